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

    /// Receives an archive: decompressed to one session, and then as a layer to the other.
    func receive<Content>(
        _ reader: consuming FolderReader,
        _ peeked: consuming PeekedContent<Content>,
        _ arrival: inout Arrival<Content>
    ) async throws -> Reception {
        var reader = reader
        var content = peeked
        let upload = arrival.upload
        content.hash(with: Set(upload.announced.compactMap(\.supportedAlgorithm)).union([.sha256]))
        // The limit holds for what comes and for what it becomes.
        let limit = policy.maximumUploadSize
        var archive = UploadWriter(blobs: blobs, upload: arrival.spool, offset: 0, limit: limit)
        while let chunk = try await content.next() {
            if let limit, content.count > limit { throw RegistryError.uploadTooLarge(limit: limit) }
            reader.append(Array(chunk.readableBytesView))
            while let bytes = try reader.next() { try await archive.write(ByteBuffer(bytes: bytes)) }
        }
        try await archive.flush()
        try arrival.finish(content.digests, size: content.count)
        if let digest = arrival.digest, let packaged = try await publishRemembered(digest, of: upload) {
            return .repeated(packaged)
        }
        var output = UploadWriter(blobs: blobs, upload: arrival.layer, offset: 0, limit: nil)
        let spool = arrival.spool
        let image = try await packager.package(
            reader,
            name: upload.name,
            options: upload.options
        ) { range in
            let bytes = try await blobs.read(Int64(range.lowerBound)..<Int64(range.upperBound), of: spool)
            return Array(bytes.readableBytesView)
        } writing: { chunks in
            try await output.write(chunks)
        }
        try await output.flush()
        return .made(image)
    }
}
