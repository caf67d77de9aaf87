import OCI
import Testing

@testable import Registry

@Suite("Rules of retention")
struct RetentionRuleTests {
    @Test(
        "A pattern of repositories and what is kept there",
        arguments: [
            "ci/* last=10", "* last=0", "a/b pushed=30d", "a pulled=12h", "a tags=v* tags=latest",
            "team/* last=5 pushed=1d pulled=2d tags=v* untagged=6h", "* untagged=none", "* untagged=0s",
        ]
    )
    func parsing(_ text: String) throws {
        let rule = try RetentionRule(text)
        #expect(rule.description == text)
        #expect(try RetentionRule("  " + text.replacing(" ", with: "   ")) == rule)
    }

    @Test("A rule that names nothing that is kept leaves the tags alone")
    func retires() throws {
        #expect(try !RetentionRule("* untagged=1d").retiresTags)
        for text in ["* last=0", "* pushed=0s", "* pulled=1d", "* tags=v*"] {
            #expect(try RetentionRule(text).retiresTags)
        }
    }

    @Test(
        "Anything else is refused with what to write",
        arguments: [
            ("", RetentionRuleError.empty), ("   ", .empty), ("ci/*", .nothingKept),
            ("last=10", .pattern("last=10", .malformed)), ("A last=1", .pattern("A", .capitalInRepository)),
            ("a last", .unknownWord("last")), ("a first=1", .unknownWord("first")),
            ("a =1", .unknownWord("")),
            ("a last=1 last=2", .repeated("last")), ("a pushed=1d pushed=1d", .repeated("pushed")),
            ("a pulled=1d pulled=1d", .repeated("pulled")),
            ("a untagged=1d untagged=none", .repeated("untagged")), ("a last=", .number("")),
            ("a last=-1", .number("-1")), ("a last=+1", .number("+1")), ("a last=01", .number("01")),
            ("a last=100001", .number("100001")), ("a pushed=30", .duration("pushed", "30")),
            ("a pulled=none", .duration("pulled", "none")), ("a untagged=x", .duration("untagged", "x")),
            ("a pushed=3651d", .duration("pushed", "3651d")), ("a tags=", .pattern("", .empty)),
            ("a tags=x/y", .pattern("x/y", .slashInTag)), ("a tags=ü", .pattern("ü", .malformed)),
        ]
    )
    func refusals(_ text: String, _ error: RetentionRuleError) {
        #expect(throws: error) { try RetentionRule(text) }
        #expect(!error.description.isEmpty)
    }

    @Test("The first rule that fits a repository counts")
    func precedence() throws {
        let policy = RegistryPolicy(
            untaggedPeriod: .seconds(7),
            retention: try [
                "ci/keep last=1 untagged=none", "ci/* untagged=3s", "* last=2",
            ].map(RetentionRule.init)
        )
        func period(_ name: String) throws -> Duration? {
            policy.untaggedPeriod(in: try RepositoryName(name))
        }
        #expect(try period("ci/keep") == nil)
        #expect(try period("ci/app") == .seconds(3))
        #expect(try period("app") == .seconds(7))
        #expect(policy.shortestUntaggedPeriod == .seconds(3))
        #expect(policy.retentionRule(of: try RepositoryName("ci/app"))?.last == nil)
        #expect(policy.retentionRule(of: try RepositoryName("app"))?.last == 2)
        #expect(RegistryPolicy(untaggedPeriod: nil).shortestUntaggedPeriod == nil)
    }
}
