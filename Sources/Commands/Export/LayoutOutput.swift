import Archive
import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import OCI
import Storage

/// Where an image layout is written, file by file, as its bytes come.
///
/// What is made has its name when it is complete, and is gone where it cannot be completed.
actor LayoutOutput {
    enum Target: Hashable, Sendable {
        case archive(String)
        case folder(String)
        case standardOutput
    }

    /// What is made; for messages.
    private let path: String
    private let target: Target
    /// Where it is made: beside its place.
    private let partial: String
    /// The archive, or the file of the folder that is being written.
    private var file: OpenFile?
    private var offset: Int64 = 0
    private var folders: Set<String> = []

    private init(_ target: Target) throws {
        self.target = target
        switch target {
        case .standardOutput: path = "standard output"
        case .archive(let path): self.path = path
        case .folder(let path):
            self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        }
        partial = "\(path).partial-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    }

    /// Makes what a body writes, all of it or nothing.
    static func with<Value: Sendable>(
        _ target: Target,
        _ body: (LayoutOutput) async throws -> Value
    ) async throws -> Value {
        let output = try LayoutOutput(target)
        do {
            try await output.begin()
            let value = try await body(output)
            try await output.finish()
            return value
        } catch {
            await output.remove()
            guard let error = error as? FileError else { throw error }
            let isTaken = [EEXIST, ENOTEMPTY, ENOTDIR].contains(error.code) && error.operation == "rename"
            throw isTaken
                ? CommandError(
                    "\(output.path) is there already: name a folder that does not exist, or an empty one"
                )
                : CommandError(error, "write", output.path)
        }
    }

    private func begin() throws {
        let files = POSIXFileOperations()
        switch target {
        case .standardOutput: break
        case .archive: file = try files.open(partial, .create)
        case .folder: try Self.makeFolder(partial)
        }
    }

    private static func makeFolder(_ path: String) throws(FileError) {
        guard mkdir(path, 0o777) == 0 else { throw FileError(operation: "mkdir", path: path, code: errno) }
    }

    private func finish() async throws {
        let files = POSIXFileOperations()
        switch target {
        case .standardOutput: try await write(Tar.end)
        case .archive(let path):
            try await write(Tar.end)
            file = nil
            try files.rename(partial, to: path)
        case .folder:
            file = nil
            try files.rename(partial, to: path)
        }
    }

    private func remove() {
        file = nil
        if target != .standardOutput { try? FileManager.default.removeItem(atPath: partial) }
    }

    // MARK: - Files

    /// Begins a file of so many bytes; the folders above it are made.
    func beginFile(_ name: String, size: Int64) async throws {
        var folder = ""
        for component in name.split(separator: "/").dropLast() {
            folder += folder.isEmpty ? "\(component)" : "/\(component)"
            guard folders.insert(folder).inserted else { continue }
            if case .folder = target {
                try Self.makeFolder("\(partial)/\(folder)")
            } else {
                try await write(TarEntry(.directory, path: folder, mode: 0o755).header)
            }
        }
        if case .folder = target {
            file = try POSIXFileOperations().open("\(partial)/\(name)", .create)
            offset = 0
        } else {
            try await write(TarEntry(.file(size: UInt64(size)), path: name, mode: 0o644).header)
        }
    }

    /// Ends a file of so many bytes.
    func endFile(size: Int64) async throws {
        if case .folder = target {
            file = nil
        } else {
            try await write([UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: UInt64(size))))
        }
    }

    /// Writes a file that is a document.
    func add(_ name: String, _ bytes: [UInt8]) async throws {
        try await beginFile(name, size: Int64(bytes.count))
        try await write(bytes)
        try await endFile(size: Int64(bytes.count))
    }

    func write(_ bytes: [UInt8]) async throws {
        let (file, position) = (file, offset)
        offset += Int64(bytes.count)
        let isStandardOutput = target == .standardOutput
        try await NIOThreadPool.singleton.runIfActive {
            if let file {
                try POSIXFileOperations().write(bytes, to: file, at: position)
            } else if isStandardOutput {
                try Self.writeToStandardOutput(bytes)
            }
        }
    }

    private static func writeToStandardOutput(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the bytes are used within the closure alone.
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw FileError(operation: "write", path: "standard output", code: errno)
            }
        }
    }
}
