import Glibc

/// The bytes of a configuration file.
struct ConfigurationFile: Sendable {
    /// A configuration has a few kilobytes: something longer was named by mistake, such as a device that
    /// never ends.
    static let byteLimit = 1 << 20

    /// The file that is read where none is named, if there is one in the working directory.
    static let standardPath = "config/berth.yaml"

    /// The path as it was given.
    let path: String
    let bytes: [UInt8]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    /// Reads a file, which may also be a pipe or a device.
    ///
    /// - Parameters:
    ///   - path: Relative to the working directory, or absolute.
    ///   - name: The flag or the variable that names the file; without one, the file may be missing.
    /// - Returns: nil if the file is missing and may be.
    /// - Throws: Why it cannot be read.
    static func read(
        _ path: String,
        namedBy name: SettingOrigin?
    ) throws(ConfigurationProblem) -> ConfigurationFile? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if name == nil, errno == ENOENT || errno == ENOTDIR { return nil }
            throw problem(path, code: errno, namedBy: name)
        }
        defer { _ = close(descriptor) }
        return ConfigurationFile(path: path, bytes: try readBytes(of: descriptor, path: path, namedBy: name))
    }

    private static func readBytes(
        of descriptor: CInt,
        path: String,
        namedBy name: SettingOrigin?
    ) throws(ConfigurationProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= byteLimit {
            // SAFETY: `read` writes at most the given number of bytes into an array that is alive for the
            // call.
            let count = chunk.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw problem(path, code: errno, namedBy: name)
            }
            bytes += chunk[..<count]
        }
        throw ConfigurationProblem(.file(path), .tooLarge)
    }

    private static func problem(
        _ path: String,
        code: CInt,
        namedBy name: SettingOrigin?
    ) -> ConfigurationProblem {
        guard code != EISDIR else { return ConfigurationProblem(.file(path), .folder) }
        // SAFETY: glibc keeps the C string for the thread until its next call, and it is copied at once.
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        return ConfigurationProblem(.file(path), .unreadable(reason, namedBy: name))
    }
}
