import FoundationEssentials
import OCI

extension PackagedImage {
    /// What is to be known of an image without packaging it again, in JSON; its documents by their digests alone.
    package var memo: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(Memo(self))) } catch {
            preconditionFailure("a memo of strings and numbers is no JSON: \(error)")
        }
    }

    /// An image as a memo has it, whose parts are all stored; nil where the memo is of another time or image.
    ///
    /// `manifest`: the bytes of its manifest.
    package init?(memo: [UInt8], manifest: [UInt8]) {
        guard let memo = try? JSONDecoder().decode(Memo.self, from: Data(memo)) else { return nil }
        self.init(
            name: memo.name,
            platform: memo.platform,
            origin: memo.origin,
            executable: memo.executable,
            fileCount: memo.fileCount,
            layer: Layer(
                descriptor: memo.layer,
                diffID: memo.diffID,
                archiveSize: memo.archiveSize
            ),
            configuration: Document(stored: memo.configuration),
            manifest: Document(manifest, mediaType: .ociManifest),
            attestations: memo.attestations.map(\.attestation),
            notes: memo.notes
        )
    }
}

/// What is kept of an image beside its manifest.
private struct Memo: Codable {
    struct Attached: Codable {
        let kind: Attestation.Kind
        let content: Descriptor
        let manifest: Descriptor

        init(_ attestation: Attestation) {
            kind = attestation.kind
            content = attestation.content.descriptor
            manifest = attestation.manifest.descriptor
        }

        var attestation: Attestation { Attestation(stored: kind, content: content, manifest: manifest) }
    }

    let name: ExecutableName
    let platform: Platform
    let origin: ProgramOrigin
    let executable: PackagedExecutable
    let fileCount: Int?
    let layer: Descriptor
    let diffID: Digest
    let archiveSize: Int64
    let configuration: Descriptor
    let attestations: [Attached]
    let notes: [PackagingNote]

    init(_ image: PackagedImage) {
        name = image.name
        platform = image.platform
        origin = image.origin
        executable = image.executable
        fileCount = image.fileCount
        layer = image.layer.descriptor
        diffID = image.layer.diffID
        archiveSize = image.layer.archiveSize
        configuration = image.configuration.descriptor
        attestations = image.attestations.map(Attached.init)
        notes = image.notes
    }
}
