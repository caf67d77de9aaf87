import NIOCore
import OCI
import Packager
import Storage

extension Registry {
    /// Looks at the first bytes of an upload that names its entry point, which a root folder has to.
    ///
    /// - Returns: nil where no archive of a folder comes.
    func folderReader(
        for options: PackagingOptions,
        _ content: inout PeekedContent<some AsyncSequence<ByteBuffer, any Error>>
    ) async throws -> FolderReader? {
        guard options.entrypoint != nil else { return nil }
        return FolderReader(beginning: try await content.beginning(FolderReader.beginningSize))
    }

    /// Writes an archive to one session, decompressed, and the layer to another, and returns what they became.
    func build(
        _ reader: consuming FolderReader,
        _ content: consuming PeekedContent<some AsyncSequence<ByteBuffer, any Error>>,
        of upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>,
        spool: UploadID,
        layer: UploadID
    ) async throws -> PackagedImage {
        var reader = reader
        var content = content
        // The limit holds for what comes and for what it becomes.
        let limit = policy.maximumUploadSize
        var received: Int64 = 0
        var archive = UploadWriter(blobs: blobs, upload: spool, offset: 0, limit: limit)
        while let chunk = try await content.next() {
            received += Int64(chunk.readableBytes)
            if let limit, received > limit { throw RegistryError.uploadTooLarge(limit: limit) }
            reader.append(Array(chunk.readableBytesView))
            while let bytes = try reader.next() { try await archive.write(ByteBuffer(bytes: bytes)) }
        }
        try await archive.flush()
        var output = UploadWriter(blobs: blobs, upload: layer, offset: 0, limit: nil)
        let image = try await packager.package(
            reader,
            name: upload.name,
            options: upload.options
        ) { range in
            let bytes = try await blobs.read(Int64(range.lowerBound)..<Int64(range.upperBound), of: spool)
            return Array(bytes.readableBytesView)
        } writing: { chunks in
            for chunk in chunks { try await output.write(ByteBuffer(bytes: chunk)) }
        }
        try await output.flush()
        return image
    }
}

/// The content of a request, of which the first bytes have been looked at.
struct PeekedContent<Content: AsyncSequence<ByteBuffer, any Error>> {
    private var iterator: Content.AsyncIterator
    private var first: [ByteBuffer] = []

    init(_ content: Content) { iterator = content.makeAsyncIterator() }

    /// So many of the first bytes, or all there are.
    mutating func beginning(_ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let chunk = try await iterator.next(isolation: #isolation) {
            first.append(chunk)
            bytes += chunk.readableBytesView
        }
        return Array(bytes.prefix(count))
    }

    mutating func next() async throws -> ByteBuffer? {
        first.isEmpty ? try await iterator.next(isolation: #isolation) : first.removeFirst()
    }
}
