import NIOHTTP1

/// What a request's head says that matters where the reply is known already.
struct HotRequest {
    /// What its reply is found by.
    struct Key: Hashable, Sendable {
        let isHead: Bool
        /// As it was sent, with the query.
        let target: String
    }

    /// What the content of a reply that is kept may have at most, in bytes.
    static let maximumContent = 64 * 1024
    /// What the target of a request whose reply is kept may have at most, in bytes.
    static let maximumTarget = 1024

    let key: Key
    /// As the client sent it, with the port.
    let host: String

    /// Nil for a request whose answer depends on more than its first line.
    init?(_ head: HTTPRequestHead) {
        guard head.method == .GET || head.method == .HEAD,
            head.version == .http1_1 || head.version == .http1_0
        else { return nil }
        var host: String?
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 4 where name.isEqualCaseInsensitively("host"):
                // RFC 9112, section 3.2: two are refused.
                guard host == nil else { return nil }
                host = value
            case 5 where name.isEqualCaseInsensitively("range"),
                6 where name.isEqualCaseInsensitively("expect"),
                7 where name.isEqualCaseInsensitively("upgrade"),
                17 where name.isEqualCaseInsensitively("transfer-encoding"):
                return nil
            case 14 where name.isEqualCaseInsensitively("content-length"):
                guard value == "0" else { return nil }
            case 8... where name.hasIfPrefix: return nil
            default: break
            }
        }
        guard let host, !host.isEmpty else { return nil }
        self.host = host
        key = Key(isHead: head.method == .HEAD, target: head.uri)
    }
}

extension String {
    /// `lowercase`: in lower case, and as long.
    fileprivate func isEqualCaseInsensitively(_ lowercase: StaticString) -> Bool {
        var letters = utf8.makeIterator()
        // SAFETY: the literal lives for ever, and holds as many bytes as it says.
        let expected = UnsafeBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount)
        return expected.allSatisfy { letter in letters.next().map { $0 | 0x20 } == letter | 0x20 }
    }

    /// Whether a field makes a request conditional.
    fileprivate var hasIfPrefix: Bool {
        var letters = utf8.makeIterator()
        return letters.next().map { $0 | 0x20 } == UInt8(ascii: "i")
            && letters.next().map { $0 | 0x20 } == UInt8(ascii: "f") && letters.next() == UInt8(ascii: "-")
    }
}
