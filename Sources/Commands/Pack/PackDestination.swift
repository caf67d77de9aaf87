import ArgumentParser
import Glibc
import OCI

/// Where an image goes that is not to stay in the storage folder.
struct PackDestination: Sendable {
    /// A file or folder to make.
    enum Output: Hashable, Sendable {
        case layout(String)
        case archive(String)
        case standardOutput
    }

    let output: Output?
    let pushes: [RemoteImage]

    /// Whether the image stays.
    var isStorage: Bool { output == nil && pushes.isEmpty }

    /// - Throws: `ValidationError` for what cannot be meant.
    init(output: String?, push: [String]) throws {
        self.output = try output.map(Self.output)
        pushes = try push.map { text in
            do { return try RemoteImage(text) } catch {
                throw ValidationError("--push \(text.printable): \(error)")
            }
        }
        guard Set(pushes).count == pushes.count else {
            throw ValidationError("--push names the same image twice.")
        }
    }

    private static func output(_ path: String) throws -> Output {
        if path == "-" {
            guard isatty(STDOUT_FILENO) == 0 else {
                throw ValidationError(
                    "--output - writes an archive, which a terminal cannot show: redirect it."
                )
            }
            return .standardOutput
        }
        guard !path.isEmpty else {
            throw ValidationError("--output: name a folder, or a file that ends in .tar.")
        }
        for suffix in [".tar.gz", ".tgz", ".tar.zst", ".zip"] where path.hasSuffix(suffix) {
            let name = path.dropLast(suffix.count)
            throw ValidationError(
                "--output: the layer in it is compressed already, and the archive is not again: name it \(name).tar"
            )
        }
        return path.hasSuffix(".tar") ? .archive(path) : .layout(path)
    }
}

extension PackDestination.Output: CustomStringConvertible {
    var description: String {
        switch self {
        case .layout(let path), .archive(let path): path
        case .standardOutput: "-"
        }
    }
}
