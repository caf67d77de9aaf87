import NIOCore
import OCI
import Packager
import Storage

// From the content of a request to an image whose layer is written, and nothing of it published.

extension Registry {
    /// What comes of receiving an upload.
    enum Reception {
        /// The repository had the image already, and has given it the tag.
        case repeated(PackagedUpload)
        /// An image whose layer is in its session.
        case made(PackagedImage)
    }

    /// Writes the content to one session and the layer to another.
    func receive<Content>(_ arrival: inout Arrival<Content>) async throws -> Reception {
        var content = PeekedContent(arrival.upload.content)
        if let folder = try await folderReader(for: arrival.upload.options, &content) {
            return try await receive(folder, content, &arrival)
        }
        return try await receive(content, &arrival)
    }

    /// Receives an executable.
    ///
    /// It is kept until it is whole because only then can it be inspected. Its layer is made at the same time, unless
    /// it seems to be one that was sent before, or its size is not known: an archive's entry begins with the size.
    private func receive<Content>(
        _ peeked: consuming PeekedContent<Content>,
        _ arrival: inout Arrival<Content>
    ) async throws -> Reception {
        var content = peeked
        let upload = arrival.upload
        // The session computes the first itself.
        content.hash(with: Set(upload.announced.compactMap(\.supportedAlgorithm)).subtracting([.sha256]))
        arrival.beginning = try await content.beginning(Packager.hintSize)
        var builder = try await builder(arrival)
        let limit = policy.maximumUploadSize
        var executable = UploadWriter(
            blobs: blobs,
            upload: arrival.spool,
            offset: 0,
            limit: limit,
            isOverlapping: true
        )
        var output = UploadWriter(
            blobs: blobs,
            upload: arrival.layer,
            offset: 0,
            limit: nil,
            isOverlapping: true
        )
        while let chunk = try await content.next() {
            try await executable.write(chunk)
            guard builder != nil, let chunks = try await builder?.append(Array(chunk.readableBytesView))
            else { continue }
            try await output.write(chunks)
        }
        try await executable.flush()
        let digest = try await blobs.digest(of: arrival.spool, .sha256)
        try arrival.finish([digest] + content.digests, size: executable.offset)
        var made: ImageBuilder
        if let builder {
            made = builder
        } else {
            if let packaged = try await publishRemembered(digest, of: upload) { return .repeated(packaged) }
            made = packager.begin(upload.request(size: executable.offset))
            try await package(0..<executable.offset, of: arrival.spool, with: &made, into: &output)
        }
        let spool = arrival.spool
        let (chunks, image) = try await made.finish(digest: digest) { range in
            let bytes = try await blobs.read(Int64(range.lowerBound)..<Int64(range.upperBound), of: spool)
            return Array(bytes.readableBytesView)
        }
        try await output.write(chunks)
        try await output.flush()
        return .made(image)
    }

    /// What packages an executable while it comes; nil where that waits until it has come.
    private func builder<Content>(_ arrival: Arrival<Content>) async throws -> ImageBuilder? {
        guard let length = arrival.upload.length else { return nil }
        let request = arrival.upload.request(size: length)
        let hint = packager.hint(of: request, beginning: arrival.beginning)
        let isLikely = try await catalog.hasRememberedImage(hint: hint, in: arrival.upload.repository)
        return isLikely ? nil : packager.begin(request)
    }

    /// What is read at once of an executable that has come.
    private static var portion: Int64 { 512 * 1024 }

    private func package(
        _ range: Range<Int64>,
        of spool: UploadID,
        with builder: inout ImageBuilder,
        into output: inout UploadWriter
    ) async throws {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Int(Self.portion)) {
            let portion = start..<min(start + Self.portion, range.upperBound)
            let bytes = try await blobs.read(portion, of: spool)
            try await output.write(builder.append(Array(bytes.readableBytesView)))
        }
    }
}

extension UploadWriter {
    mutating func write(_ chunks: [[UInt8]]) async throws {
        for chunk in chunks { try await write(ByteBuffer(bytes: chunk)) }
    }
}
