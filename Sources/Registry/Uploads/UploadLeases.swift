import Storage
import Synchronization

/// Sees to it that one request at a time writes to an upload session, and that it is the newest.
///
/// A client that lost its connection comes back on another while the server still waits on the first. So the newer
/// request cuts the older one off and, once that has let go, carries on where it came to.
final class UploadLeases: Sendable {
    /// One request's hold on a session.
    final class Lease: Sendable {
        private let cut: @Sendable () -> Void
        private let isCut = Mutex(false)

        init(cut: @escaping @Sendable () -> Void) { self.cut = cut }

        /// Throws where a newer request wants the session.
        func check() throws {
            if isCut.withLock({ $0 }) { throw RegistryError.superseded }
        }

        func cutOff() {
            let isFirst = isCut.withLock { isCut in
                defer { isCut = true }
                return !isCut
            }
            if isFirst { cut() }
        }
    }

    private struct Session {
        var holder: Lease
        var waiting: (lease: Lease, continuation: CheckedContinuation<Void, any Error>)?
    }

    private let sessions = Mutex<[UploadID: Session]>([:])

    /// Runs a body that has the session to itself.
    ///
    /// `cut` ends the connection of the request that the body serves, so that the body stops waiting for it.
    func withLease<Value>(
        on upload: UploadID,
        cut: @escaping @Sendable () -> Void,
        _ body: (Lease) async throws -> Value
    ) async throws -> Value {
        let lease = Lease(cut: cut)
        try await acquire(upload, lease)
        defer { release(upload) }
        return try await body(lease)
    }

    /// Runs a body that has the session to itself, unless somebody has it: then it returns nil.
    ///
    /// A request that comes meanwhile waits for the body to end.
    func withFreeLease<Value>(on upload: UploadID, _ body: () async throws -> Value) async throws -> Value? {
        let isFree = sessions.withLock { sessions in
            guard sessions[upload] == nil else { return false }
            sessions[upload] = Session(holder: Lease(cut: {}))
            return true
        }
        guard isFree else { return nil }
        defer { release(upload) }
        return try await body()
    }

    /// Whether a request writes to a session now.
    func isHeld(_ upload: UploadID) -> Bool { sessions.withLock { $0[upload] != nil } }

    private func acquire(_ upload: UploadID, _ lease: Lease) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let (older, mayGo) = sessions.withLock { sessions in
                guard var session = sessions[upload] else {
                    sessions[upload] = Session(holder: lease)
                    return (nil as Session?, true)
                }
                let older = session
                session.waiting = (lease, continuation)
                sessions[upload] = session
                return (older, false)
            }
            older?.holder.cutOff()
            older?.waiting?.lease.cutOff()
            older?.waiting?.continuation.resume(throwing: RegistryError.superseded)
            if mayGo { continuation.resume() }
        }
    }

    private func release(_ upload: UploadID) {
        let next = sessions.withLock { sessions in
            let waiting = sessions[upload]?.waiting
            sessions[upload] = waiting.map { Session(holder: $0.lease) }
            return waiting?.continuation
        }
        next?.resume()
    }
}
