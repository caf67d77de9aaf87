/// Takes a reply out of the bytes of a connection, strictly: what is not framed as RFC 9112 says is an error.
struct ReplyReader {
    private struct Head {
        let status: Int
        let fields: ReplyFields
    }

    let method: String
    private var head: Head?

    init(method: String) { self.method = method }

    /// The reply, once all of it is there; its bytes are removed then.
    mutating func take(from bytes: inout [UInt8]) throws -> TestReply? {
        if head == nil { head = try Self.takeHead(from: &bytes) }
        guard let head else { return nil }
        switch try framing(of: head) {
        case .none: return reply(head, [])
        case .length(let length):
            guard bytes.count >= length else { return nil }
            defer { bytes.removeFirst(length) }
            return reply(head, Array(bytes[..<length]))
        case .toEnd: return nil
        }
    }

    /// The reply that the end of the connection ends; nil where it does not.
    mutating func end(with bytes: inout [UInt8]) -> TestReply? {
        guard let head, case .toEnd? = try? framing(of: head) else { return nil }
        defer { bytes = [] }
        return reply(head, bytes)
    }

    private enum Framing {
        case none
        case length(Int)
        case toEnd
    }

    private func framing(of head: Head) throws -> Framing {
        guard head.fields["Transfer-Encoding"] == nil else {
            throw RawConnectionError.malformedReply("every reply here has a length, none is chunked")
        }
        let hasNone = (100..<200).contains(head.status) || [204, 304].contains(head.status)
        if hasNone || method == "HEAD" { return .none }
        let lengths = head.fields.values(of: "Content-Length")
        guard !lengths.isEmpty else { return .toEnd }
        guard lengths.count == 1, let length = Int(lengths[0]), length >= 0 else {
            throw RawConnectionError.malformedReply("Content-Length: \(lengths)")
        }
        return .length(length)
    }

    private mutating func reply(_ head: Head, _ content: [UInt8]) -> TestReply {
        self.head = nil
        return TestReply(status: head.status, fields: head.fields, content: content)
    }

    private static func takeHead(from bytes: inout [UInt8]) throws -> Head? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let text = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        bytes.removeFirst(end.upperBound)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let start = lines[0].split(separator: " ", maxSplits: 2)
        guard start.count >= 2, start[0].hasPrefix("HTTP/1."), let status = Int(start[1]) else {
            throw RawConnectionError.malformedReply(text)
        }
        var fields: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw RawConnectionError.malformedReply(text) }
            fields.append((String(halves[0]), String(halves[1].drop { $0 == " " })))
        }
        return Head(status: status, fields: ReplyFields(fields))
    }
}
