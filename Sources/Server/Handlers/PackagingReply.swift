import OCI
import Packager
import Registry

/// What is said of an image that was made of an upload.
struct PackagingReply {
    let packaged: Registry.PackagedUpload
    /// What docker pulls it by.
    let reference: String
    let notes: [PackagingNote]

    private var image: PackagedImage { packaged.image }

    /// For people, and for scripts that take the first line: the bare reference.
    var text: String {
        var lines = [
            reference,
            "digest    \(image.digest)",
            "platform  \(image.platform)",
            "size      \(image.executableSize) bytes the executable, \(image.layer.archiveSize) the image, "
                + "\(image.transferSize) to pull",
            "run       docker run --rm \(reference)",
        ]
        lines += notes.map { "note      \($0)" }
        if !packaged.isChange { lines.append("unchanged since it was uploaded before") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// For programs.
    var json: JSONValue {
        .object([
            .init("reference", .string(reference)),
            .init("digest", .string(image.digest.description)),
            .init("platform", .string(image.platform.description)),
            .init("executableSize", .integer(Int64(clamping: image.executableSize))),
            .init("imageSize", .integer(image.layer.archiveSize)),
            .init("transferSize", .integer(image.transferSize)),
            .init("isChange", .bool(packaged.isChange)),
            .init("notes", .strings(notes.map(\.description))),
        ])
    }
}
