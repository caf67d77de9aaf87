import Logging
import Testing

@testable import Commands

@Suite("A service that does something regularly")
struct PeriodicServiceTests {
    private struct Broken: Error {}

    @Test("Performs at once, again after each interval, also after one that failed, and ends when cancelled")
    func sweeps() async throws {
        let (sweeps, continuation) = AsyncStream.makeStream(of: Int.self)
        let count = Counter()
        let service = PeriodicService(
            "sweeping",
            every: .milliseconds(1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            let number = await count.next()
            continuation.yield(number)
            if number == 2 { throw Broken() }
        }
        let running = Task { await service.run() }
        #expect(await sweeps.prefix(5).reduce(into: []) { $0.append($1) } == [1, 2, 3, 4, 5])
        running.cancel()
        await running.value
    }

    @Test("Does not perform again before the interval is over")
    func waits() async throws {
        let (sweeps, continuation) = AsyncStream.makeStream(of: Int.self)
        let count = Counter()
        let service = PeriodicService(
            "sweeping",
            every: .seconds(3600),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            continuation.yield(await count.next())
        }
        let running = Task { await service.run() }
        for await _ in sweeps { break }
        running.cancel()
        await running.value
        #expect(await count.value == 1)
    }

    private actor Counter {
        private(set) var value = 0

        func next() -> Int {
            value += 1
            return value
        }
    }
}
