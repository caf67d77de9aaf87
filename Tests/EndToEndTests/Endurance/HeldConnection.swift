import Foundation
import Testing

/// A connection that a test keeps open, and may ask something over.
final class HeldConnection {
    private let descriptor: Int32

    init(_ port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        // SAFETY: the kernel's two names for one address.
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0, "errno \(errno)")
    }

    deinit { close(descriptor) }

    /// Sends a request without content, and returns the reply; it blocks.
    func ask(_ method: String, _ path: String) throws -> String {
        let request = Array("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".utf8)
        let sent = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
        try #require(sent == request.count, "errno \(errno)")
        var reply = ""
        var part = [UInt8](repeating: 0, count: 64 * 1024)
        while !Self.isWhole(reply) {
            let count = recv(descriptor, &part, part.count, 0)
            try #require(count > 0, "the connection ended after '\(reply)'")
            reply += String(decoding: part[..<count], as: UTF8.self)
        }
        return reply
    }

    /// Whether a reply has as much content as its head says.
    private static func isWhole(_ reply: String) -> Bool {
        let parts = reply.components(separatedBy: "\r\n\r\n")
        guard parts.count > 1 else { return false }
        let length = parts[0].components(separatedBy: "\r\n").compactMap { line -> Int? in
            let field = line.lowercased().split(separator: ":", maxSplits: 1)
            guard field.first == "content-length", let value = field.last else { return nil }
            return Int(value.trimmingCharacters(in: .whitespaces))
        }
        return parts[1...].joined(separator: "\r\n\r\n").utf8.count >= length.first ?? 0
    }
}
