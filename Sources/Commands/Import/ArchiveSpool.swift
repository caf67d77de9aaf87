import Archive
import Glibc
import NIOPosix
import OCI
import Storage

/// An archive that cannot be read at any place, such as standard input or what is compressed, as a file that can.
enum ArchiveSpool {
    /// The path of standard input.
    static let standardInput = "-"

    /// Finds a file that holds an archive uncompressed: the one given, or else a copy in a folder.
    ///
    /// - Throws: `CommandError`, without the archive's name.
    static func file(_ path: String, in folder: ScratchFolder, number: Int) async throws -> String {
        let input = path == standardInput ? OpenInput.standard : try OpenInput(path)
        var bytes = try await input.read()
        while bytes.count < StreamCompression.magicSize {
            let more = try await input.read()
            guard !more.isEmpty else { break }
            bytes += more
        }
        guard !bytes.isEmpty else { throw CommandError("it is empty") }
        let compression = StreamCompression(beginning: bytes)
        guard path == standardInput || compression != .none || !input.isRegular else { return path }
        let target = "\(folder.path)/archive-\(number).tar"
        do {
            try await unpack(bytes, input, compression, to: target)
        } catch let error as DecompressionError {
            throw CommandError("\(error)")
        } catch let error as FileError {
            throw CommandError(error, "write", target)
        }
        return target
    }

    private static func unpack(
        _ first: [UInt8],
        _ input: OpenInput,
        _ compression: StreamCompression,
        to path: String
    ) async throws {
        let operations = POSIXFileOperations()
        let output = try operations.open(path, .create)
        var stream = DecompressedStream(compression)
        var bytes = first
        var offset: Int64 = 0
        while !bytes.isEmpty {
            try Task.checkCancellation()
            stream.append(bytes)
            while let chunk = try stream.next() {
                let position = offset
                try await NIOThreadPool.singleton.runIfActive {
                    try operations.write(chunk, to: output, at: position)
                }
                offset += Int64(chunk.count)
            }
            bytes = try await input.read()
        }
        try stream.finish()
    }
}

/// A file that is read from its beginning to its end.
private struct OpenInput: Sendable {
    private let descriptor: CInt
    /// Keeps the descriptor open.
    private let file: OpenFile?
    let isRegular: Bool

    private static let portion = 256 * 1024

    static let standard = OpenInput(descriptor: STDIN_FILENO, file: nil, isRegular: false)

    private init(descriptor: CInt, file: OpenFile?, isRegular: Bool) {
        (self.descriptor, self.file, self.isRegular) = (descriptor, file, isRegular)
    }

    init(_ path: String) throws {
        do {
            let file = try POSIXFileOperations().open(path, .read)
            var status = stat()
            let isKnown = fstat(file.descriptor, &status) == 0
            self.init(
                descriptor: file.descriptor,
                file: file,
                isRegular: isKnown && status.st_mode & S_IFMT == S_IFREG
            )
        } catch {
            throw CommandError(String(cString: strerror(error.code)))
        }
    }

    /// The next bytes; none at the end.
    func read() async throws -> [UInt8] {
        let (descriptor, portion) = (descriptor, Self.portion)
        return try await NIOThreadPool.singleton.runIfActive {
            var bytes = [UInt8](repeating: 0, count: portion)
            while true {
                // SAFETY: the bytes are used within the closure alone.
                let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                if count >= 0 { return Array(bytes.prefix(count)) }
                guard errno == EINTR else { throw CommandError(String(cString: strerror(errno))) }
            }
        }
    }
}
