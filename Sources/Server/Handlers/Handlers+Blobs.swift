import HTTPTypes
import Hummingbird
import NIOCore
import OCI
import Registry
import Storage

extension Handlers {
    /// The blob, or part of it (end-2).
    func readBlob(_ digest: Digest, in repository: RepositoryName) async throws -> Reply {
        var fields: HTTPFields = [
            .contentType: MediaType.octetStream.rawValue,
            .dockerContentDigest: digest.description,
            .eTag: "\"\(digest)\"",
            .acceptRanges: "bytes",
            .cacheControl: Self.unchanging,
        ]
        let isKnown = EntityTag.matches(headers[values: .ifNoneMatch], digest)
        if isHead {
            let blob = try await registry.keepBlob(digest, in: repository)
            if isKnown { return Reply(.empty(.notModified, fields)) }
            fields[.contentLength] = String(blob.record.size)
            return Reply(Response(status: .ok, headers: fields), nil, for: blob.lease)
        }
        let lease = registry.lease(onBlobsOf: repository)
        let blob = try await registry.blob(digest, in: repository)
        if isKnown { return Reply(.empty(.notModified, fields)) }
        switch requestedRange(of: digest, size: blob.size) {
        case .whole where blob.size <= HotRequest.maximumContent:
            let content = try await blob.read(0..<blob.size)
            guard content.readableBytes == blob.size else { throw StorageError.corrupt(digest) }
            return Reply(
                Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: content)),
                content,
                for: lease
            )
        case .whole:
            return Reply(Response(status: .ok, headers: fields, body: body(0..<blob.size, of: blob)))
        case .part(let part):
            fields[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(blob.size)"
            return Reply(
                Response(status: .partialContent, headers: fields, body: body(part, of: blob))
            )
        case .unsatisfiable:
            throw RequestError.unsatisfiableRange(size: blob.size)
        }
    }

    /// The part that is asked for of content that has a digest.
    func requestedRange(of digest: Digest, size: Int64) -> ByteRange {
        let range = headers[.range].flatMap { header in
            // A client that resumes asks for the rest only if the content is still the same.
            headers[.ifRange].map { EntityTag.isSame($0, digest) } ?? true ? header : nil
        }
        return ByteRange(range, size: size)
    }

    /// What a digest names never changes.
    static var unchanging: String { "max-age=31536000, immutable" }

    /// Takes a blob out of a repository (end-10).
    func deleteBlob(_ digest: Digest, in repository: RepositoryName) async throws -> Response {
        try await registry.deleteBlob(digest, in: repository)
        return .empty(.accepted, [.contentLength: "0"])
    }

    private func body(_ range: Range<Int64>, of blob: OpenBlob) -> ResponseBody {
        guard !range.isEmpty else { return ResponseBody() }
        return ResponseBody(contentLength: range.count) { [channel] writer in
            if await SendFile.isPossible(on: channel) {
                try await SendFile.send(range, of: blob, to: channel)
            } else {
                var offset = range.lowerBound
                while offset < range.upperBound {
                    let end = min(offset + Self.portion, range.upperBound)
                    let bytes = try await blob.read(offset..<end)
                    // A file that became shorter is damaged: the connection breaks rather than lie.
                    guard bytes.readableBytes == end - offset else { throw StorageError.corrupt(blob.digest) }
                    try await writer.write(bytes)
                    offset = end
                }
            }
            try await writer.finish(nil)
        }
    }

    /// What is read at once where the kernel cannot send the file itself.
    private static var portion: Int64 { 512 * 1024 }
}
