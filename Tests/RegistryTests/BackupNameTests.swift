import Storage
import TestSupport
import Testing

@testable import Registry

@Suite("The names of backups")
struct BackupNameTests {
    @Test(
        "are what backups are called, and nothing else is one",
        arguments: [
            ("20260131T120000Z", true), ("20260131T120000Z-2", true), ("20260131T120000Z-10", true),
            ("20260131T120000Z-1", false), ("20260131T120000Z-02", false), ("20260131T120000Z-", false),
            ("20260131T120000Z.golden", false), ("20260131T120000Z.partial", false), ("2-Zebra", false),
            ("1Z.txt", false), ("", false), ("latest", false), ("2026013XT120000Z", false),
        ]
    )
    func parsing(text: String, isName: Bool) {
        #expect(BackupName(text).map(\.description) == (isName ? text : nil))
    }

    @Test("are in the order in which the backups were made, whatever the clock says")
    func order() throws {
        let clock = ManualClock()
        var names: [BackupName] = []
        for step in [0, 0, 0, 1, -100, 0, 200] {
            clock.advance(by: .seconds(step))
            names.append(BackupName(at: clock.now, after: names.last))
            for _ in 1...12 { names.append(BackupName(at: clock.now, after: names.last)) }
        }
        #expect(names == names.sorted() && Set(names).count == names.count)
        #expect(BackupName.last(among: names.shuffled().map(\.description) + ["z"]) == names.last)
        #expect(Set(names.map { BackupName($0.description) }) == Set(names))
    }
}
