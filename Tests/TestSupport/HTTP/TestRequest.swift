/// A request as a test writes it.
package struct TestRequest: Sendable {
    package var method: String
    /// Path and query, as they go on the wire.
    package var target: String
    package var fields: [(name: String, value: String)]
    /// Nil for a request without any; an empty array announces a length of 0.
    package var content: [UInt8]?
    /// Sends the content in chunks, without saying how long it is.
    package var isChunked: Bool

    package init(
        _ method: String,
        _ target: String,
        _ fields: KeyValuePairs<String, String> = [:],
        content: [UInt8]? = nil,
        isChunked: Bool = false
    ) {
        self.method = method
        self.target = target
        self.fields = fields.map { (name: $0.key, value: $0.value) }
        self.content = content
        self.isChunked = isChunked
    }

    /// The request's bytes for a connection.
    package func bytes(host: String) -> [UInt8] { head(host: host) + encodedContent }

    /// The request line and the header fields, with `Host` and those that frame the content added.
    package func head(host: String) -> [UInt8] {
        var lines = ["\(method) \(target) HTTP/1.1"]
        if !fields.contains(where: { $0.name.lowercased() == "host" }) { lines.append("Host: \(host)") }
        lines += fields.map { "\($0.name): \($0.value)" }
        if let content {
            lines.append(isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(content.count)")
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private var encodedContent: [UInt8] {
        guard let content else { return [] }
        guard isChunked else { return content }
        // Odd on purpose: no boundary of the server's falls together with one of these.
        let size = 10_007
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: content.count, by: size) {
            let chunk = content[start..<min(start + size, content.count)]
            bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }
}

/// A reply as a client got it.
package struct TestReply: Sendable {
    package let status: Int
    package let fields: ReplyFields
    package let content: [UInt8]

    package init(status: Int, fields: ReplyFields, content: [UInt8]) {
        self.status = status
        self.fields = fields
        self.content = content
    }

    /// The value of a header field; nil where there is none.
    package subscript(name: String) -> String? { fields[name] }

    package var text: String { String(decoding: content, as: UTF8.self) }
}

/// The header fields of a reply, in order.
package struct ReplyFields: Sendable {
    package let all: [(name: String, value: String)]

    package init(_ all: [(name: String, value: String)]) { self.all = all }

    /// Every value of a field, however its name is spelt.
    package func values(of name: String) -> [String] {
        all.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    /// The values of a field as one list.
    package subscript(name: String) -> String? {
        let values = values(of: name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}
