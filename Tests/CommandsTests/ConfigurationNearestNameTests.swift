import Testing

@testable import Commands

@Suite("The nearest name")
struct ConfigurationNearestNameTests {
    @Test(
        "The candidate with the fewest edits is found",
        arguments: [
            ("ba", "ab"), ("abx", "ab"), ("a", "ab"), ("xbc", "abc"), ("ABC", "abc"), ("a_b.c", "a-b.c"),
            ("c", "a-b.c"),
            ("x.c", "a-b.c"),
        ]
    )
    func nearest(_ name: String, _ expected: String) {
        #expect(NearestName.find(name, among: ["ab", "abc", "a-b.c"]) == expected)
    }

    @Test("The first of equally near candidates is found, and none among none")
    func ties() {
        #expect(NearestName.find("x", among: ["a", "b"]) == "a")
        #expect(NearestName.find("x", among: ["b", "a"]) == "b")
        #expect(NearestName.find("x", among: []) == nil)
    }

    @Test("A name of any length takes little time", .timeLimit(.minutes(1)))
    func long() {
        let name = String(repeating: "abc.", count: 250_000)
        #expect(NearestName.find(name, among: Settings.all.map(\.key.path)) != nil)
    }

    @Test(
        "Every key is nearest to itself with one character changed, dropped or added",
        arguments: SettingArgument.all
    )
    func typingErrors(_ argument: SettingArgument) {
        let paths = Settings.all.map(\.key.path)
        let path = argument.setting.key.path
        let key = Array(path)
        for place in key.indices where key[place] != "." {
            for replacement in [[], ["q"], [key[place], "q"]] as [[Character]] {
                var written = key
                written.replaceSubrange(place...place, with: replacement)
                let found = NearestName.find(String(written), among: paths)
                // `host` and `hosts` are one edit apart, and `hostq` is as near to the one as to the other.
                let isMeant = found == path || path.hasPrefix("host") && ["host", "hosts"].contains(found)
                #expect(isMeant, "\(String(written)) is nearest to \(found ?? "nothing")")
            }
        }
    }
}
