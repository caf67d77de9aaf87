import OCI
import Testing

@testable import Registry

@Suite("Times to live by pattern")
struct TagLifetimeTests {
    @Test(
        "A pattern and a duration",
        arguments: [
            ("pr-*=7d", "pr-*", 7 * 86_400), ("ci/*:*=12h", "ci/*:*", 43_200), ("*=1s", "*", 1),
            ("*=3650d", "*", 3650 * 86_400),
        ]
    )
    func parsing(_ text: String, _ pattern: String, _ seconds: Int64) throws {
        let lifetime = try TagLifetime(text)
        #expect(lifetime.pattern.description == pattern && lifetime.duration == .seconds(seconds))
        #expect(try TagLifetime(lifetime.description) == lifetime)
    }

    @Test(
        "Anything else is refused with what to write",
        arguments: [
            ("pr-*", TagLifetimeError.missingDuration), ("", .missingDuration), ("pr-*=", .duration),
            ("pr-*=7", .duration), ("pr-*=0s", .duration), ("pr-*=3651d", .duration),
            ("a=b=1h", .pattern(.malformed)),
            ("=7d", .pattern(.empty)), ("a/b=7d", .pattern(.slashInTag)), ("ü=7d", .pattern(.malformed)),
        ]
    )
    func refusals(_ text: String, _ error: TagLifetimeError) {
        #expect(throws: error) { try TagLifetime(text) }
        #expect(!error.description.isEmpty)
    }
}
