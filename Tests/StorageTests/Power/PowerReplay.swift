import Foundation
import TestSupport

/// How much of all that a loss of power can do is tried.
struct Thoroughness: Sendable {
    /// How many moments, chosen at random; nil for all.
    let points: Int?
    /// How many of the things that were not flushed are taken one by one; nil for all.
    let singles: Int?
    /// How many random selections of them are taken.
    let subsets: Int
    /// Whether the last two are tried only before a flush ends, when most is at stake, and at the other moments only that
    /// everything or nothing of what was not flushed is there.
    ///
    /// Most that a loss can leave between two flushes it can also leave before the later one ends. Not found so is what
    /// is lost for a key that a request begins to change in between: that may be either way by then.
    var isAtFlushes = false

    /// `BERTH_TEST_CRASH_POINTS` of the environment: a number of moments, `flushes`, which takes half an hour,
    /// or `all`, which takes hours.
    static let current: Thoroughness = {
        let setting = ProcessInfo.processInfo.environment["BERTH_TEST_CRASH_POINTS"]
        if setting == "flushes" {
            return Thoroughness(points: nil, singles: nil, subsets: 200, isAtFlushes: true)
        }
        if setting == "all" { return Thoroughness(points: nil, singles: nil, subsets: 200) }
        return Thoroughness(points: setting.flatMap { Int($0) } ?? 60, singles: 4, subsets: 4)
    }()
}

/// Lets the power go at moments of a history, and has an oracle look at what is left each time.
struct PowerReplay {
    /// What came of it.
    struct Result: Sendable {
        /// How many moments were looked at.
        var points = 0
        /// How many folders were made and opened.
        var replays = 0
        /// How many would have been the same as another at a moment when clients knew as much.
        var repetitions = 0
        var losses: [String] = []
        /// How long it took to work out what is left.
        var making = Duration.zero

        static func + (left: Result, right: Result) -> Result {
            Result(
                points: left.points + right.points,
                replays: left.replays + right.replays,
                repetitions: left.repetitions + right.repetitions,
                losses: left.losses + right.losses,
                making: left.making + right.making
            )
        }
    }

    /// What is tried at a moment.
    private enum Extent {
        /// Nothing of what was not flushed has reached the disk.
        case nothing
        /// That, and all of it has.
        case ends
        /// Those, each thing lost or torn alone, and random selections.
        case full
    }

    /// A folder that a loss of power leaves.
    private struct Case: Sendable {
        let image: DiskImage
        let expectation: Expectation
        let name: String
    }

    private let history: DiskHistory
    private let thoroughness: Thoroughness
    private var generator: SplitMix
    private var cursor: DiskCursor
    private var seen: Set<Int> = []
    private var result = Result()
    /// Stops after so many losses: one is a failure, and the first few show what is wrong.
    private let maximumLosses: Int
    /// How many folders are looked at side by side.
    private static let width = 6

    init(
        _ history: DiskHistory,
        _ thoroughness: Thoroughness,
        _ generator: SplitMix,
        maximumLosses: Int = 5
    ) {
        self.history = history
        self.maximumLosses = maximumLosses
        self.thoroughness = thoroughness
        self.generator = generator
        cursor = DiskCursor(history)
    }

    /// Goes through the history from its beginning to its end.
    mutating func run(_ oracle: PowerOracle) async -> Result {
        let chosen = chosenPoints()
        repeat {
            guard let extent = extent(chosen) else { continue }
            result.points += 1
            await check(cases(extent), oracle)
            // Whoever waits for hours wants to know how far it is.
            if chosen == nil, result.points.isMultiple(of: 100) {
                print("power loss: event \(cursor.length) of \(history.events.count): \(result)")
            }
        } while result.losses.count < maximumLosses && cursor.step()
        return result
    }

    /// What is tried at this moment; nil where nothing is.
    private func extent(_ chosen: Set<Int>?) -> Extent? {
        guard let chosen else { return !thoroughness.isAtFlushes || isBeforeFlush ? .full : .ends }
        if chosen.contains(cursor.length) { return .full }
        // Nothing but what was flushed: at every moment at which that has changed.
        return cursor.length == 0 || history.events[cursor.length - 1].isFlush ? .nothing : nil
    }

    /// Whether a flush ends next, or nothing does.
    private var isBeforeFlush: Bool {
        cursor.length == history.events.count || history.events[cursor.length].isFlush
    }

    /// Goes to the history's end, and looks at that alone.
    mutating func runAtEnd(_ oracle: PowerOracle) async -> Result {
        while cursor.step() {}
        result.points += 1
        await check(cases(.full), oracle)
        return result
    }

    private mutating func chosenPoints() -> Set<Int>? {
        thoroughness.points.map { count in
            Set((0...history.events.count).shuffled(using: &generator).prefix(count))
        }
    }

    private mutating func cases(_ extent: Extent) -> [Case] {
        let start = ContinuousClock.now
        defer { result.making += ContinuousClock.now - start }
        let unsynced = cursor.unsynced
        let expectation = Expectation(history.operations, at: cursor.length)
        var knowledge = Hasher()
        knowledge.combine(expectation.values)
        var cases: [Case] = []
        func add(_ fates: [Int: Fate], _ name: @autoclosure () -> String, to replay: inout PowerReplay) {
            let image = replay.cursor.image(fates)
            var hasher = knowledge
            hasher.combine(image.fingerprint)
            guard replay.seen.insert(hasher.finalize()).inserted else {
                replay.result.repetitions += 1
                return
            }
            cases.append(Case(image: image, expectation: expectation, name: name()))
        }
        let point = "after event \(cursor.length)"
        add(
            Dictionary(uniqueKeysWithValues: unsynced.map { ($0, .missing) }),
            "\(point): nothing unsynced",
            to: &self
        )
        guard extent != .nothing else { return cases }
        add([:], "\(point): everything", to: &self)
        guard extent == .full else { return cases }
        let singles =
            thoroughness.singles.map { unsynced.shuffled(using: &generator).prefix($0) } ?? unsynced[...]
        for number in singles {
            let event = history.events[number]
            add([number: .missing], "\(point): without \(number): \(event)", to: &self)
            guard case .write = event else { continue }
            add([number: .hollow], "\(point): zeros for \(number): \(event)", to: &self)
            guard event.isTearable else { continue }
            add([number: .torn(1)], "\(point): the beginning of \(number): \(event)", to: &self)
            add([number: .torn(~1)], "\(point): the end of \(number): \(event)", to: &self)
        }
        for _ in 0..<thoroughness.subsets where !unsynced.isEmpty {
            let fates = randomFates(unsynced)
            add(fates, "\(point): \(fates.count) of \(unsynced.count) lost or torn", to: &self)
        }
        return cases
    }

    /// Each lost with a probability that is another each time.
    private mutating func randomFates(_ unsynced: [Int]) -> [Int: Fate] {
        let share = [5, 20, 50, 80, 95].randomElement(using: &generator) ?? 50
        var fates: [Int: Fate] = [:]
        for number in unsynced where Int.random(in: 0..<100, using: &generator) < share {
            let mayTear = history.events[number].isTearable && generator.once(in: 3)
            let mayBeHollow = history.events[number].changedFile != nil && generator.once(in: 6)
            fates[number] = mayTear ? .torn(generator.next()) : mayBeHollow ? .hollow : .missing
        }
        return fates
    }

    private mutating func check(_ cases: [Case], _ oracle: PowerOracle) async {
        let found = await withTaskGroup(of: [String].self) { group in
            var found: [String] = []
            for (number, item) in cases.enumerated() {
                if number >= Self.width, let losses = await group.next() { found += losses }
                group.addTask { await Self.losses(item, oracle) }
            }
            for await losses in group { found += losses }
            return found
        }
        result.replays += cases.count
        result.losses += found
    }

    private static func losses(_ item: Case, _ oracle: PowerOracle) async -> [String] {
        do {
            let folder = try TemporaryFolder.inMemory()
            defer { folder.remove() }
            let path = folder.file("storage")
            try item.image.write(to: path)
            return await oracle.losses(at: path, item.expectation).map { "\(item.name): \($0)" }
        } catch {
            return ["\(item.name): \(error)"]
        }
    }
}

extension PowerReplay.Result: CustomStringConvertible {
    var description: String {
        """
        \(points) moments, \(replays) folders opened, \(repetitions) the same as another, \(losses.count) losses \
        (\(making) to work out what is left)
        """
    }
}
