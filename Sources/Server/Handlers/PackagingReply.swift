import OCI
import Packager
import Registry
import Storage

/// What is said of an image that was made of an upload.
struct PackagingReply {
    let packaged: Registry.PackagedUpload
    /// What stands before the tag in a reference.
    let repository: String
    let tag: Tag
    let options: PackagingOptions
    let notes: [PackagingNote]

    private var image: PackagedImage { packaged.image }

    /// What docker pulls it by: the tag, or where that does not lead here the digest.
    private var reference: String {
        if case .tagged = packaged.placement {
            "\(repository):\(tag)"
        } else {
            "\(repository)@\(image.digest)"
        }
    }

    private var isShared: Bool { packaged.platforms.count > 1 }

    private func list(_ platforms: [Platform]) -> String {
        platforms.map(\.description).joined(separator: ", ")
    }

    /// For people, and for scripts that take the first line: the bare reference.
    var text: String {
        var lines = [reference, "digest    \(packaged.digest)"]
        if packaged.digest != image.digest { lines.append("image     \(image.digest)") }
        lines.append("platform  \(image.platform)")
        if let count = image.fileCount {
            lines.append("files     \(count), of which \(image.executable.path) runs")
        }
        if isShared { lines.append("together  \(list(packaged.platforms))") }
        lines += [
            "size      \(image.executable.size) bytes the executable, \(image.layer.archiveSize) the image, "
                + "\(image.transferSize) to pull"
        ]
        lines += buildLines
        lines += [
            "attached  \(image.attestations.map(\.kind.rawValue).joined(separator: ", "))",
            "run       docker run --rm \(reference)",
        ]
        switch packaged.placement {
        case .tagged: break
        case .staged(let missing):
            lines.append("waiting   \(repository):\(tag) appears when \(list(missing)) has come")
        case .late:
            lines.append(
                "late      another build has \(repository):\(tag) now; this one is there by its digest"
            )
        }
        if let expires = packaged.expires { lines.append("expires   \(expires.rfc3339)") }
        lines += notes.map { "note      \($0)" }
        if packaged.isDryRun { lines.append("dry run   nothing was kept") }
        if !packaged.isChange {
            let new = packaged.newAttestations.map(\.kind.rawValue).joined(separator: ", ")
            lines.append("unchanged since it was uploaded before" + (new.isEmpty ? "" : ", but for \(new)"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What the program tells about how it was built.
    private var buildLines: [String] {
        let origin = image.origin
        let go = GoLine.text(
            version: origin.goVersion,
            moduleCount: origin.goModuleCount,
            amd64: origin.goAMD64
        )
        let fields = [
            ("version   ", origin.version),
            ("revision  ", origin.revision.map { origin.isModified ? "\($0), with changes" : $0 }),
            ("source    ", origin.source), ("go        ", go),
        ]
        return fields.compactMap { name, value in value.map { name + $0 } }
    }

    /// The same for programs, without what is not known.
    private var buildJSON: JSONValue {
        let origin = image.origin
        let texts = [
            ("version", origin.version), ("revision", origin.revision), ("created", origin.created),
            ("source", origin.source), ("go", origin.goVersion), ("goamd64", origin.goAMD64),
        ]
        var members = texts.compactMap { key, text in text.map { JSONValue.Member(key, .string($0)) } }
        if let count = origin.goModuleCount { members.append(.init("goModules", .integer(Int64(count)))) }
        if origin.isModified { members.append(.init("modified", .bool(true))) }
        return .object(members)
    }

    /// For programs.
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("reference", .string(reference)),
            .init("digest", .string(packaged.digest.description)),
            .init("image", .string(image.digest.description)),
            .init("platform", .string(image.platform.description)),
            .init("platforms", .strings(packaged.platforms.map(\.description))),
        ]
        if case .staged(let missing) = packaged.placement {
            members.append(.init("missing", .strings(missing.map(\.description))))
        }
        if case .late = packaged.placement { members.append(.init("isLate", .bool(true))) }
        if let expires = packaged.expires { members.append(.init("expires", .string(expires.rfc3339))) }
        members += [
            .init("executableSize", .integer(Int64(clamping: image.executable.size))),
            .init("imageSize", .integer(image.layer.archiveSize)),
            .init("transferSize", .integer(image.transferSize)),
            .init("executable", .string(image.executable.digest.description)),
            .init("executablePath", .string(image.executable.path)),
            .init("fileCount", image.fileCount.map { .integer(Int64($0)) } ?? .null),
            .init("build", buildJSON),
            .init("attached", .array(image.attestations.map { json(of: $0) })),
            .init("isChange", .bool(packaged.isChange)),
            .init("dryRun", .bool(packaged.isDryRun)),
            .init("options", options.json),
            .init("notes", .strings(notes.map(\.description))),
        ]
        return .object(members)
    }

    private func json(of attestation: Attestation) -> JSONValue {
        .object([
            .init("kind", .string(attestation.kind.rawValue)),
            .init("artifactType", .string(attestation.kind.mediaType.rawValue)),
            .init("digest", .string(attestation.manifest.descriptor.digest.description)),
            .init("isNew", .bool(packaged.newAttestations.contains(attestation))),
        ])
    }
}
