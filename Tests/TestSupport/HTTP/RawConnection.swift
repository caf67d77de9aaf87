import Dispatch
import Glibc
import Synchronization

/// A client's end of a connection, byte by byte: to send what no client sends, and to see what no client shows.
///
/// Blocking calls run on queues of its own, so that tests cannot starve the server that they talk to. Every wait is
/// bounded.
package final class RawConnection: Sendable {
    /// Where a server listens.
    package enum Address: Hashable, Sendable {
        /// On 127.0.0.1.
        case port(Int)
        case socket(path: String)
    }

    /// How long a test waits for something that should happen at once.
    package static let patience: Duration = .seconds(120)

    /// `POLLRDHUP` of poll(2), which the C library shows only to those who ask for its extensions.
    private static let peerClosed: CInt = 0x2000

    private let descriptor: CInt
    private let reading = DispatchQueue(label: "raw-connection.read")
    private let writing = DispatchQueue(label: "raw-connection.write")
    private let unread = Mutex<[UInt8]>([])
    private let isClosed = Mutex(false)

    /// Connects, and sends a little at once, however busy the test's own threads are.
    ///
    /// `receiveBuffer`: how many bytes the kernel keeps for a client that does not read; nil for its own choice.
    package init(_ address: Address, receiveBuffer: Int? = nil, sending bytes: [UInt8] = []) throws {
        precondition(bytes.count <= 16 << 10, "what is sent at once fits into the kernel's buffer")
        descriptor = try SocketAddress(address).connect(receiveBuffer: receiveBuffer)
        guard Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else {
            throw RawConnectionError.failed(code: errno)
        }
    }

    deinit { close() }

    // MARK: Sending

    /// Sends text.
    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Sends everything, or fails where the server has closed or does not take it.
    package func send(_ bytes: [UInt8], within limit: Duration = patience) async throws {
        try await run(on: writing) { [self] in
            let deadline = ContinuousClock.now + limit
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
                }
                if count >= 0 {
                    sent += count
                } else if errno == EAGAIN {
                    guard wait(for: POLLOUT, until: deadline) else {
                        throw RawConnectionError.timedOut("sent \(sent) of \(bytes.count) bytes")
                    }
                } else if errno != EINTR {
                    throw RawConnectionError.closed(afterSending: sent)
                }
            }
        }
    }

    /// Sends piece after piece, slowly, until all are sent or the server closes; returns how many were sent.
    package func trickle(_ pieces: [[UInt8]], every pause: Duration) async throws -> Int {
        try await run(on: writing) { [self] in
            for (index, piece) in pieces.enumerated() {
                let count = Glibc.send(descriptor, piece, piece.count, CInt(MSG_NOSIGNAL))
                // Nothing is waited for but the end of the connection.
                if count < piece.count || wait(for: Self.peerClosed, until: .now + pause) { return index }
            }
            return pieces.count
        }
    }

    /// Says that nothing more will be sent.
    package func closeOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Receiving

    /// Reads a reply with all its content.
    ///
    /// One to a HEAD request has none; `100 Continue` is a reply of its own.
    package func readReply(
        to method: String = "GET",
        within limit: Duration = patience
    ) async throws -> TestReply {
        try await run(on: reading) { [self] in
            let deadline = ContinuousClock.now + limit
            var reader = ReplyReader(method: method)
            while true {
                if let reply = try unread.withLock({ try reader.take(from: &$0) }) { return reply }
                if try !receive(until: deadline) {
                    guard let reply = unread.withLock({ reader.end(with: &$0) }) else {
                        throw RawConnectionError.ended(
                            unread.withLock { String(decoding: $0, as: UTF8.self) }
                        )
                    }
                    return reply
                }
            }
        }
    }

    /// Reads the head of a reply, and leaves its content.
    package func readHead(within limit: Duration = patience) async throws -> TestReply {
        try await readReply(to: "HEAD", within: limit)
    }

    /// Reads so many bytes.
    package func read(_ count: Int, within limit: Duration = patience) async throws -> [UInt8] {
        try await run(on: reading) { [self] in
            let deadline = ContinuousClock.now + limit
            while unread.withLock({ $0.count }) < count {
                guard try receive(until: deadline, atMost: count) else {
                    throw RawConnectionError.ended("\(unread.withLock { $0.count }) of \(count) bytes")
                }
            }
            return unread.withLock { unread in
                defer { unread.removeFirst(count) }
                return Array(unread[..<count])
            }
        }
    }

    /// Reads so many bytes, piece by piece with a pause behind each.
    package func readSlowly(_ count: Int, piece: Int, every pause: Duration) async throws -> [UInt8] {
        try await run(on: reading) { [self] in
            let deadline = ContinuousClock.now + Self.patience
            while unread.withLock({ $0.count }) < count {
                guard try receive(until: deadline, atMost: piece) else {
                    throw RawConnectionError.ended("\(unread.withLock { $0.count }) of \(count) bytes")
                }
                usleep(UInt32(pause / .microseconds(1)))
            }
            return unread.withLock { unread in
                defer { unread.removeFirst(count) }
                return Array(unread[..<count])
            }
        }
    }

    /// Reads until the server closes, in whatever way, and returns what came.
    package func readToEnd(within limit: Duration = patience) async throws -> [UInt8] {
        try await run(on: reading) { [self] in
            let deadline = ContinuousClock.now + limit
            do {
                while try receive(until: deadline) {}
            } catch RawConnectionError.reset {
            }
            return unread.withLock { unread in
                defer { unread = [] }
                return unread
            }
        }
    }

    /// Whether nothing comes for a while, and the connection stays open.
    package func isSilent(for duration: Duration) async throws -> Bool {
        try await run(on: reading) { [self] in
            !wait(for: POLLIN, until: ContinuousClock.now + duration) && unread.withLock { $0.isEmpty }
        }
    }

    /// Adds to what is unread; false at the end.
    private func receive(until deadline: ContinuousClock.Instant, atMost limit: Int = 64 << 10) throws -> Bool
    {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            guard wait(for: POLLIN, until: deadline) else {
                let text = unread.withLock { String(decoding: $0.suffix(200), as: UTF8.self) }
                throw RawConnectionError.timedOut("received …\(text)")
            }
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 {
                unread.withLock { $0.append(contentsOf: buffer[..<count]) }
                return true
            }
            if count == 0 { return false }
            if errno == ECONNRESET { throw RawConnectionError.reset }
            if errno != EINTR && errno != EAGAIN { throw RawConnectionError.failed(code: errno) }
        }
    }

    private func wait(for events: CInt, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let rest = (deadline - .now) / .milliseconds(1)
            guard rest > 0 else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if poll(&entry, 1, CInt(min(rest, 60_000)) + 1) > 0 { return true }
        }
    }

    // MARK: Ending

    /// Hangs up; once is enough.
    package func close() {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        // Wakes whoever waits on one of the queues; the descriptor lives until they are through.
        shutdown(descriptor, Int32(SHUT_RDWR))
        let descriptor = descriptor
        reading.async { [writing] in writing.async { _ = Glibc.close(descriptor) } }
    }

    /// Hangs up as a client does whose machine is switched off and on again.
    package func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        if isFirst { _ = Glibc.close(descriptor) }
    }

    private func run<Value: Sendable>(
        on queue: DispatchQueue,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}

/// How a connection disappointed a test.
package enum RawConnectionError: Error, Equatable {
    case failed(code: CInt)
    /// Nothing happened for too long. Says how far things had come.
    case timedOut(String)
    /// The server closed before the reply was whole. Holds what there was.
    case ended(String)
    case reset
    case closed(afterSending: Int)
    case malformedReply(String)
}
