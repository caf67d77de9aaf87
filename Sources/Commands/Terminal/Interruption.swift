import ArgumentParser
import Glibc
import UnixSignals

/// Runs a body that Ctrl-C and SIGTERM cancel, so that it can remove what it has begun.
///
/// - Throws: `ExitCode` as a shell knows it, where a signal came and the body has ended.
func interruptible(_ body: @escaping @Sendable () async throws -> Void) async throws {
    // A reader that goes away is an error of the write to it.
    signal(SIGPIPE, SIG_IGN)
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    let received = try await withThrowingTaskGroup(of: UnixSignal?.self) { group in
        group.addTask { await signals.first { _ in true } }
        group.addTask {
            try await body()
            return nil
        }
        defer { group.cancelAll() }
        guard let signal = try await group.next() ?? nil else { return nil as UnixSignal? }
        group.cancelAll()
        // Whatever the body says of its end, the signal is the reason.
        while let result = await group.nextResult() { _ = result }
        return signal
    }
    if let received { throw ExitCode(128 + received.rawValue) }
}
