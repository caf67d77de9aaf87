import HTTPTypes
import Hummingbird
import NIOCore
import OCI
import Packager
import Registry
import Storage

extension Handlers {
    /// The executable that an image was made of, or part of it, byte for byte.
    func readExecutable(of name: ImageName, for platform: Platform?) async throws -> Response {
        let stored = try await registry.executable(of: name, for: platform)
        let executable = stored.executable
        let size = Int64(clamping: executable.size)
        var fields = fields(of: executable, named: name)
        if EntityTag.matches(headers[values: .ifNoneMatch], executable.digest) {
            return .empty(.notModified, fields)
        }
        if isHead {
            fields[.contentLength] = String(size)
            return Response(status: .ok, headers: fields)
        }
        let requested = requestedRange(of: executable.digest, size: size)
        if case .unsatisfiable = requested { throw RequestError.unsatisfiableRange(size: size) }
        // What cannot be had is told before the reply begins.
        let content = try await registry.open(stored)
        guard case .part(let part) = requested else {
            return Response(status: .ok, headers: fields, body: body(0..<size, of: content))
        }
        fields[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
        return Response(status: .partialContent, headers: fields, body: body(part, of: content))
    }

    private func fields(of executable: PackagedExecutable, named name: ImageName) -> HTTPFields {
        var fields: HTTPFields = [
            .contentType: MediaType.octetStream.rawValue,
            .contentDisposition: ContentDisposition.attachment(named: executable.name),
            .eTag: "\"\(executable.digest)\"",
            .acceptRanges: "bytes",
        ]
        fields[.reprDigest] = DigestField.value(executable.digest)
        fields[.cacheControl] =
            switch name.reference {
            case .tag: Self.revalidated
            case .digest: Self.unchanging
            }
        return fields
    }

    private func body(_ range: Range<Int64>, of content: ExecutableContent) -> ResponseBody {
        guard !range.isEmpty else { return ResponseBody() }
        return ResponseBody(contentLength: range.count) { [channel] writer in
            if let stored = content.storedRange, await SendFile.isPossible(on: channel) {
                let start = stored.lowerBound + range.lowerBound
                try await SendFile.send(
                    start..<(start + Int64(range.count)),
                    of: content.blob,
                    to: channel
                )
            } else {
                var reader = try await content.reader(range)
                while let piece = try await reader.next() { try await writer.write(piece) }
            }
            try await writer.finish(nil)
        }
    }
}
