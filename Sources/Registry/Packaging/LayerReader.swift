import Archive
import NIOCore
import OCI
import Storage

/// Reads the archive in a layer, however it is compressed, as far as it is wanted.
///
/// Memory is constant: a portion of the layer, and what of it has been decompressed. Decompressing runs where the caller
/// does, which is never an event loop; reading runs on the blob store's threads.
struct LayerReader: ~Copyable {
    let blob: OpenBlob
    /// What its first bytes show.
    let compression: StreamCompression

    private var stream: DecompressedStream
    private var archive = TarReader()
    private var events: ArraySlice<TarReader.Event> = []
    private var offset: Int64 = 0

    /// What is read of the layer at once: as much as becomes few portions of the archive.
    private static let portion: Int64 = 128 * 1024

    /// Twice the window of any layer that this registry makes; a layer of others may ask for much more.
    private static let maximumWindowSize = 8 << 20

    init(_ blob: OpenBlob) async throws {
        let magic = 0..<min(Int64(StreamCompression.magicSize), blob.size)
        let beginning = magic.isEmpty ? ByteBuffer() : try await blob.read(magic)
        compression = StreamCompression(beginning: beginning.readableBytesView)
        stream = DecompressedStream(compression, maximumWindowSize: Self.maximumWindowSize)
        self.blob = blob
    }

    /// What the archive holds next; nil at its end.
    ///
    /// - Throws: `DecompressionError` and `TarReaderError` for what is no archive, or none to its end; storage's errors.
    mutating func next() async throws -> TarReader.Event? {
        while true {
            if let event = events.popFirst() { return event }
            // A portion may become gigabytes: others take their turn, and whoever has gone is noticed.
            try Task.checkCancellation()
            await Task.yield()
            if let chunk = try stream.next() {
                events = try archive.append(chunk)[...]
                continue
            }
            guard offset < blob.size, !archive.isAtEnd else { break }
            let end = min(offset + Self.portion, blob.size)
            stream.append(Array(try await blob.read(offset..<end).readableBytesView))
            offset = end
        }
        try archive.finish()
        return nil
    }

    /// Goes on to the contents of a file, and tells what stands before them; nil where the archive holds no such file.
    ///
    /// `path` is absolute.
    mutating func find(_ path: String) async throws -> TarHeader? {
        while let event = try await next() {
            if case .member(let header) = event, Self.isFile(header, at: path) { return header }
        }
        return nil
    }

    private static func isFile(_ header: TarHeader, at path: String) -> Bool {
        guard header.kind == .file else { return false }
        let name = header.path[...]
        return (name.hasPrefix("./") ? name.dropFirst(2) : name.drop { $0 == "/" }) == path.dropFirst()
    }
}
