/// What happened to a disk, and what of it a loss of power may take at any moment.
struct DiskHistory: Sendable {
    let initial: DiskImage
    let events: [DiskEvent]
    let operations: [ClientOperation]
    /// Whether the disk says of a flush that it was done, and does nothing.
    let ignores: @Sendable (DiskEvent) -> Bool

    init(
        initial: DiskImage = DiskImage(),
        events: [DiskEvent],
        operations: [ClientOperation] = [],
        ignores: @escaping @Sendable (DiskEvent) -> Bool = { _ in false }
    ) {
        self.initial = initial
        self.events = events
        self.operations = operations
        self.ignores = ignores
    }
}

/// Goes through a history, and knows at each point what has not been flushed.
struct DiskCursor {
    let history: DiskHistory
    /// How many events have happened.
    private(set) var length = 0
    private var pendingBytes: [Int: [Int]] = [:]
    private var pendingNames: [String: [Int]] = [:]
    /// What a flush failed for.
    private var lost: [Int] = []
    /// The last change of a name that is on the disk.
    private var settled: [String: Int] = [:]
    // What images are made of.
    private var nameEvents: [Int] = []
    private var byteEvents: [Int: [Int]] = [:]
    private var bases: [Int: (count: Int, bytes: [UInt8])] = [:]

    init(_ history: DiskHistory) { self.history = history }

    /// Lets the next event happen; false where there is none.
    mutating func step() -> Bool {
        guard length < history.events.count else { return false }
        let number = length
        let event = history.events[number]
        length += 1
        if let file = event.changedFile {
            pendingBytes[file, default: []].append(number)
            byteEvents[file, default: []].append(number)
        }
        if let name = event.changedNames.first {
            pendingNames[DiskEvent.folder(of: name), default: []].append(number)
            nameEvents.append(number)
        }
        guard event.isFlush, !history.ignores(event) else { return true }
        switch event {
        case .sync(let file, let began): pendingBytes[file]?.removeAll { $0 < began }
        case .failedSync(let file, let began):
            lost += pendingBytes[file, default: []].filter { $0 < began }
            pendingBytes[file]?.removeAll { $0 < began }
        case .syncFolder(let path, let began): settle(path, began)
        default: break
        }
        return true
    }

    private mutating func settle(_ folder: String, _ began: Int) {
        let pending = pendingNames[folder, default: []]
        for number in pending where number < began {
            for name in history.events[number].changedNames { settled[name] = number }
        }
        pendingNames[folder] = pending.filter { $0 >= began && !isIrrelevant($0) }
        nameEvents.removeAll(where: isIrrelevant)
    }

    /// Whether every name that an event gave or took has been given or taken again since, and that is on the disk.
    private func isIrrelevant(_ number: Int) -> Bool {
        history.events[number].changedNames.allSatisfy { settled[$0] ?? -1 > number }
    }

    /// What may be missing, in order; without what a later change that is on the disk has made irrelevant.
    var unsynced: [Int] {
        let names = pendingNames.values.joined().filter { !isIrrelevant($0) }
        return (pendingBytes.values.joined() + names + lost).sorted()
    }

    /// What the disk holds where this becomes of what was not flushed; the rest of it has reached the disk.
    mutating func image(_ fates: [Int: Fate]) -> DiskImage {
        var image = history.initial
        for number in nameEvents where fates[number] == nil { image.applyNames(history.events[number]) }
        for file in Set(image.names.values) { image.files[file] = bytes(of: file, fates) }
        return image
    }

    /// The bytes of a file, from what is certain of them on.
    private mutating func bytes(of file: Int, _ fates: [Int: Fate]) -> [UInt8] {
        let numbers = byteEvents[file, default: []]
        let firstUncertain = min(pendingBytes[file]?.first ?? .max, lost.min() ?? .max)
        var (count, bytes) = bases[file] ?? (0, history.initial.files[file] ?? [])
        while count < numbers.count, numbers[count] < firstUncertain {
            bytes.apply(history.events[numbers[count]])
            count += 1
        }
        bases[file] = (count, bytes)
        for number in numbers[count...] { bytes.apply(history.events[number], fates[number]) }
        return bytes
    }
}
