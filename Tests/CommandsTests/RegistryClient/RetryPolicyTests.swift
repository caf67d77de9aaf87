import Synchronization
import Testing

@testable import Commands

@Suite("Another attempt")
struct RetryPolicyTests {
    /// What a body that always fails is waited for, and how it ends.
    private func pauses(_ failures: [RegistryClientError], attempts: Int = 5) async -> ([Duration], Bool) {
        let pauses = Mutex<[Duration]>([])
        var policy = RetryPolicy(attempts: attempts)
        policy.sleep = { pause in pauses.withLock { $0.append(pause) } }
        var failures = failures
        let succeeded: Bool
        do {
            try await policy.run { if !failures.isEmpty { throw failures.removeFirst() } }
            succeeded = true
        } catch {
            succeeded = false
        }
        return (pauses.withLock { $0 }, succeeded)
    }

    private static func refused(_ status: UInt, after: Duration? = nil) -> RegistryClientError {
        RegistryClientError(.refused(status: status), "no", retryAfter: after)
    }

    @Test("comes after a pause that doubles, a bounded number of times")
    func pauses() async {
        let broken = RegistryClientError(.interrupted, "broke")
        let milliseconds = [500, 1000, 2000, 4000].map { Duration.milliseconds($0) }
        #expect(await pauses(Array(repeating: broken, count: 9)) == (milliseconds, false))
        #expect(await pauses([broken, broken]) == (Array(milliseconds.prefix(2)), true))
        #expect(await pauses([broken], attempts: 1) == ([], false))
        #expect(await pauses([]) == ([], true))
        let many = await pauses(Array(repeating: broken, count: 20), attempts: 12).0
        #expect(many.count == 11 && many.max() == .seconds(30))
    }

    @Test(
        "comes where the reason may pass",
        arguments: [
            (UInt(408), true), (429, true), (500, true), (502, true), (503, true), (504, true), (501, false),
            (400, false), (401, false), (403, false), (404, false), (413, false),
        ]
    )
    func statuses(status: UInt, isRepeated: Bool) async {
        #expect(await pauses([Self.refused(status)]).1 == isRepeated)
    }

    @Test(
        "does not come where it cannot help",
        arguments: [
            RegistryClientError.Kind.unreachable, .insecure, .unauthorized, .malformed,
        ]
    )
    func kinds(kind: RegistryClientError.Kind) async {
        #expect(await pauses([RegistryClientError(kind, "no")]) == ([], false))
    }

    @Test("comes when the registry wants it, unless that is too late")
    func retryAfter() async {
        #expect(await pauses([Self.refused(429, after: .seconds(7))]) == ([.seconds(7)], true))
        #expect(await pauses([Self.refused(429, after: .zero)]) == ([.milliseconds(500)], true))
        #expect(await pauses([Self.refused(503, after: .seconds(31))]) == ([], false))
    }
}
