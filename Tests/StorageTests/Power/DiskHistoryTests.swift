import OCI
import TestSupport
import Testing

/// The model of a disk that losses of power are tried on.
@Suite("A disk")
struct DiskHistoryTests {
    /// The disk at the end of a history, with these fates; and what was not flushed then.
    static func end(
        _ events: [DiskEvent],
        _ fates: [Int: Fate] = [:]
    ) -> (unsynced: [Int], names: [String: [UInt8]]) {
        var cursor = DiskCursor(DiskHistory(events: events))
        while cursor.step() {}
        let image = cursor.image(fates)
        return (cursor.unsynced, image.names.mapValues { image.files[$0] ?? [] })
    }

    static let file: [DiskEvent] = [
        .create("a", file: 1), .write(file: 1, offset: 0, bytes: [1, 2, 3]),
    ]

    @Test("keeps the bytes of a file and its name apart")
    func bytesAndName() {
        #expect(Self.end(Self.file).unsynced == [0, 1])
        #expect(Self.end(Self.file + [.sync(file: 1, began: 2)]).unsynced == [0])
        #expect(Self.end(Self.file + [.syncFolder("", began: 2)]).unsynced == [1])
        #expect(Self.end(Self.file, [0: .missing]).names == [:])
        #expect(Self.end(Self.file, [1: .missing]).names == ["a": []])
        #expect(Self.end(Self.file, [1: .hollow]).names == ["a": [0, 0, 0]])
    }

    @Test("has by a flush what had been written when it began, and no more")
    func flushCoversTheBeginning() {
        let more: [DiskEvent] = [.write(file: 1, offset: 3, bytes: [4]), .sync(file: 1, began: 2)]
        #expect(Self.end(Self.file + more).unsynced == [0, 2])
    }

    @Test("never has what a flush failed for, however often it is flushed again")
    func failedFlush() {
        let events =
            Self.file + [
                .failedSync(file: 1, began: 2), .write(file: 1, offset: 1, bytes: [9]),
                .sync(file: 1, began: 4),
            ]
        #expect(Self.end(events).unsynced == [0, 1])
        #expect(Self.end(events, [1: .missing]).names == ["a": [0, 9]])
    }

    @Test("renames at once, or not")
    func rename() {
        let events = Self.file + [.makeFolder("b"), .rename("a", to: "b/c", file: 1)]
        #expect(Self.end(events).names == ["b/c": [1, 2, 3]])
        #expect(Self.end(events, [3: .missing]).names == ["a": [1, 2, 3]])
        // What it was called before is no matter any more once the new name is there for good.
        #expect(Self.end(events + [.syncFolder("b", began: 4)]).unsynced == [1, 2])
        let over: [DiskEvent] = [.create("b", file: 2), .rename("a", to: "b", file: 1)]
        #expect(Self.end(Self.file + over).names == ["b": [1, 2, 3]])
        #expect(Self.end(Self.file + over, [3: .missing]).names == ["a": [1, 2, 3], "b": []])
    }

    @Test("gives a file back whose removal was not flushed, and both names of a link")
    func remove() {
        #expect(Self.end(Self.file + [.remove("a")]).names == [:])
        #expect(Self.end(Self.file + [.remove("a")], [2: .missing]).names == ["a": [1, 2, 3]])
        #expect(
            Self.end(Self.file + [.link("a", to: "b", file: 1), .remove("a")]).names == ["b": [1, 2, 3]]
        )
    }

    @Test("tears a write at blocks of 4 KiB, counted from the file's beginning")
    func torn() {
        let events: [DiskEvent] = [
            .create("a", file: 1), .write(file: 1, offset: 4000, bytes: [UInt8](repeating: 1, count: 4300)),
        ]
        #expect(events[1].isTearable)
        // 96 bytes of the first block, the second, and 108 bytes of the third.
        let first = Self.end(events, [1: .torn(0b001)]).names["a"]
        #expect(first?.count == 4096 && first?.count { $0 == 1 } == 96)
        let second = Self.end(events, [1: .torn(0b010)]).names["a"]
        #expect(second?.count == 8192 && second?.prefix(4096).allSatisfy { $0 == 0 } == true)
        let last = Self.end(events, [1: .torn(0b100)]).names["a"]
        #expect(last?.count == 8300 && last?.count { $0 == 1 } == 108)
        #expect(!DiskEvent.write(file: 1, offset: 4096, bytes: [UInt8](repeating: 1, count: 4096)).isTearable)
    }

    @Test("cuts files off, and makes them longer with zeros")
    func truncate() {
        #expect(Self.end(Self.file + [.truncate(file: 1, size: 1)]).names == ["a": [1]])
        #expect(Self.end(Self.file + [.truncate(file: 1, size: 4)]).names == ["a": [1, 2, 3, 0]])
        let events = Self.file + [.truncate(file: 1, size: 0), .write(file: 1, offset: 0, bytes: [7])]
        #expect(Self.end(events, [2: .missing]).names == ["a": [7, 2, 3]])
    }

    @Test("allows what was asked for last, and what was asked for while that was done")
    func expectation() throws {
        let key = ClientOperation.Key.tag(.latest, try .init("a"))
        func operation(_ name: String, _ began: Int, _ acknowledged: Int?) -> ClientOperation {
            var operation = ClientOperation(
                effects: [.init(key, .manifest(BlobFixture(name).digest))],
                began: began
            )
            operation.acknowledged = acknowledged
            return operation
        }
        let operations = [operation("a", 1, 4), operation("b", 5, 9), operation("c", 8, nil)]
        func names(_ length: Int) -> Set<String> {
            let values = Expectation(operations, at: length).values[key] ?? []
            return Set(
                ["a", "b", "c"].filter { values.contains(.manifest(BlobFixture($0).digest)) }
                    + (values.contains(.absent) ? ["none"] : [])
            )
        }
        #expect(names(0) == [])
        #expect(names(1) == ["a", "none"])
        #expect(names(4) == ["a"])
        #expect(names(5) == ["a", "b"])
        #expect(names(8) == ["a", "b", "c"])
        #expect(names(9) == ["b", "c"])
    }
}
