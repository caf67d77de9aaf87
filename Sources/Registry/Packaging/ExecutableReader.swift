import Archive
package import NIOCore
import OCI
import Packager
import Storage

/// Reads part of an executable out of its image's layer, as much at a time as it is asked for.
package struct ExecutableReader: ~Copyable {
    private let executable: PackagedExecutable
    private let range: Range<Int64>
    private var layer: LayerReader
    /// Where in the executable the next piece begins; nil before it was found.
    private var position: Int64?
    /// Of the whole; nil where a part alone is wanted, of which nobody knows the digest.
    private var digester: Digester?

    init(_ executable: PackagedExecutable, _ range: Range<Int64>, in blob: OpenBlob) async throws {
        self.executable = executable
        self.range = range
        layer = try await LayerReader(blob)
        if range == 0..<Int64(clamping: executable.size) { digester = Digester() }
    }

    /// The next bytes of the part; nil at its end.
    ///
    /// What stands before the part has to be decompressed too: for that there are empty pieces, so that whoever does not
    /// want to wait any more can stop. The last piece of a whole executable comes when everything has been hashed, and
    /// only if the digest is right.
    ///
    /// - Throws: `StorageError.corrupt` where the layer is damaged, `CancellationError`.
    package mutating func next() async throws -> ByteBuffer? {
        if let position, position >= range.upperBound { return nil }
        do {
            return try await nextPiece()
        } catch is DecompressionError {
            throw StorageError.corrupt(layer.blob.digest)
        } catch is TarReaderError {
            throw StorageError.corrupt(layer.blob.digest)
        }
    }

    private mutating func nextPiece() async throws -> ByteBuffer {
        if position == nil {
            guard let header = try await layer.find(executable.path), header.size == executable.size else {
                throw StorageError.corrupt(layer.blob.digest)
            }
            position = 0
        }
        guard let start = position, case .contents(let bytes) = try await layer.next() else {
            throw StorageError.corrupt(layer.blob.digest)
        }
        let end = start + Int64(bytes.count)
        position = end
        digester?.update(bytes)
        if end >= range.upperBound, let digester, digester.finish() != executable.digest {
            throw StorageError.corrupt(layer.blob.digest)
        }
        let wanted = range.clamped(to: start..<end)
        let first = bytes.startIndex + Int(wanted.lowerBound - start)
        return ByteBuffer(bytes: bytes[first..<(first + wanted.count)])
    }
}
