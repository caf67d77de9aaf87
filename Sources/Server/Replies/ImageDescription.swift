import OCI
import Packager
import Registry
import Storage

/// What is said of an image, the same to whoever asks: `GET /<name>`, and `berth inspect`.
struct ImageDescription {
    let image: ImageDetails
    /// The one of an index that was asked for; nil for all.
    let platform: Platform?
    /// The first part of a reference that leads here.
    let authority: String
    /// The address of this registry, without a slash at its end.
    let baseURL: String

    /// What docker takes.
    var reference: String { "\(authority)/\(image.name)" }

    /// Whether docker can do anything with it: an artifact has no configuration that it reads.
    var isImage: Bool { image.parts.contains { $0.configuration != nil } }

    /// Whether it lists images, rather than being one.
    var isIndex: Bool { image.parts.map(\.digest) != [image.digest] }

    /// A command of docker about the image.
    func docker(_ command: String) -> String {
        let option = platform.map { "--platform \($0) " } ?? ""
        return "docker \(command) \(option)\(reference)"
    }

    /// The command that gets back the executable that a part was made of; nil for one that was made otherwise.
    func fileCommand(_ part: ImageDetails.Part) -> String? {
        guard let executable = part.executable else { return nil }
        var query = "file"
        if image.parts.count > 1 || platform != nil {
            // A platform that nobody could ask for is nothing to put into a command.
            guard let platform = part.platform, Platform(platform.description) != nil else { return nil }
            query = "platform=\(platform)&file"
        }
        // A command is copied into a shell, and anybody can write anything into a manifest.
        let isPlain =
            executable.name.utf8.allSatisfy {
                $0.isASCIILetter || $0.isASCIIDigit || "._+".utf8.contains($0)
            }
        let name = isPlain && !executable.name.isEmpty ? executable.name : image.name.repository.lastComponent
        return "curl -o \(name) '\(baseURL)/\(image.name)?\(query)'"
    }
}

extension ImageDetails.Part {
    /// What it was made of; nil for one that was made otherwise.
    var executable: PackagedExecutable? { PackagedExecutable(annotations: annotations) }
}
