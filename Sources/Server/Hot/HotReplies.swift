import NIOCore
import Storage
import Synchronization

/// What a reply is found by.
protocol HotKey: Hashable, Sendable {
    /// How many bytes it has.
    var size: Int { get }
}

extension HotRequest.Key: HotKey {
    var size: Int { target.utf8.count }
}

extension ByteBuffer: HotKey {
    var size: Int { readableBytes }
}

/// Replies that are asked for again and again: manifests, small blobs, and that they are there.
///
/// They are found by what was asked, and given only while the catalog would say the same. What was asked for since the
/// last turn stays; the rest goes when the half of the room is full again.
final class HotReplies<Key: HotKey>: Sendable {
    private struct State {
        var recent: [Key: HotReply] = [:]
        var older: [Key: HotReply] = [:]
        /// Of the recent ones.
        var cost = 0
    }

    private let capacity: Int
    private let now: WallClock
    private let state = Mutex(State())

    /// `capacity`: how many bytes of memory they may take, about, with their keys.
    init(capacity: Int = 8 * 1024 * 1024, now: @escaping WallClock) {
        self.capacity = capacity
        self.now = now
    }

    /// The reply to a request, if it still holds.
    func find(_ key: Key) -> HotReply? {
        let found = state.withLock { state -> HotReply? in
            if let reply = state.recent[key] { return reply }
            guard let reply = state.older[key] else { return nil }
            insert(reply, key, &state)
            return reply
        }
        guard let found else { return nil }
        if found.lease.renew(at: now()) { return found }
        // Whoever reads it anew puts it here again.
        state.withLock { state in
            if let reply = state.recent.removeValue(forKey: key) { state.cost -= cost(reply, key) }
            state.older[key] = nil
        }
        return nil
    }

    /// Remembers a reply that was given.
    func keep(_ reply: HotReply, for key: Key) {
        guard cost(reply, key) <= capacity / 4 else { return }
        state.withLock { insert(reply, key, &$0) }
    }

    private func cost(_ reply: HotReply, _ key: Key) -> Int { reply.cost + key.size }

    private func insert(_ reply: HotReply, _ key: Key, _ state: inout State) {
        if let old = state.recent.updateValue(reply, forKey: key) { state.cost -= cost(old, key) }
        state.cost += cost(reply, key)
        guard state.cost > capacity / 2 else { return }
        state.older = state.recent
        state.recent = [:]
        state.cost = 0
    }
}
