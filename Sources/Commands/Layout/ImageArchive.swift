import Archive
import OCI

/// One image as `docker load` and `podman load` take it: a tar archive that is both what `docker save` writes and an
/// OCI image layout.
///
/// Old engines read `manifest.json`, newer ones the layout, which keeps the image's digest. The same image and name
/// give the same bytes. All of it blocks.
///
/// - SeeAlso: moby, image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"
struct ImageArchive {
    private let layout: ImageLayout
    private let image: Descriptor
    private let name: String
    private let manifest: (bytes: [UInt8], manifest: Manifest)

    /// `image`: an image's manifest, and no index, which old engines could not load.
    ///
    /// `name`: what the image is called where it is loaded, with a tag.
    init(_ image: Descriptor, named name: String, of layout: ImageLayout) throws {
        self.layout = layout
        self.image = image
        self.name = name
        manifest = try layout.manifest(image)
    }

    /// Writes the archive.
    func write(to output: borrowing OutputFile) throws {
        guard case .image(let configuration, let layers) = manifest.manifest.content else {
            throw CommandError("\(image.digest) is no image of one platform, as an archive holds")
        }
        let version = JSONValue.object([.init("imageLayoutVersion", .string("1.0.0"))])
        try write("oci-layout", version.canonicalBytes, to: output)
        try write("index.json", index, to: output)
        try write("manifest.json", summary(configuration, layers), to: output)
        try output.append(TarEntry(.directory, path: "blobs", mode: 0o755).header)
        var blobs = [image.digest: image, configuration.digest: configuration]
        for layer in layers { blobs[layer.digest] = layer }
        var folder: String?
        for blob in blobs.values.sorted(by: { $0.digest.description < $1.digest.description }) {
            let parent = "blobs/\(blob.digest.algorithm)"
            if folder != parent {
                try output.append(TarEntry(.directory, path: parent, mode: 0o755).header)
                folder = parent
            }
            try write(blob, to: output)
        }
        try output.append(Tar.end)
    }

    private func write(_ path: String, _ bytes: [UInt8], to output: borrowing OutputFile) throws {
        try output.append(TarEntry(.file(size: UInt64(bytes.count)), path: path, mode: 0o644).header)
        try output.append(bytes)
        try output.append(Self.padding(UInt64(bytes.count)))
    }

    private func write(_ blob: Descriptor, to output: borrowing OutputFile) throws {
        let size = UInt64(blob.size)
        try output.append(TarEntry(.file(size: size), path: Self.path(blob), mode: 0o644).header)
        try output.append(contentsOf: layout.path(of: blob.digest), size: blob.size)
        try output.append(Self.padding(size))
    }

    private static func padding(_ size: UInt64) -> [UInt8] {
        [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: size))
    }

    private static func path(_ blob: Descriptor) -> String {
        "blobs/\(blob.digest.algorithm)/\(blob.digest.encoded)"
    }

    /// The layout's index; containerd, and docker over it, take the name from an annotation of its own.
    private var index: [UInt8] {
        var entry = image
        // containerd wants the name in full, as docker means it.
        let full = (try? RemoteImage(name))?.description ?? name
        entry.annotations = ["io.containerd.image.name": full, ImageLayout.referenceName: name]
        return JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array([entry.json])),
        ]).canonicalBytes
    }

    /// What docker calls `manifest.json`.
    private func summary(_ configuration: Descriptor, _ layers: [Descriptor]) -> [UInt8] {
        JSONValue.array([
            .object([
                .init("Config", .string(Self.path(configuration))),
                .init("RepoTags", .strings([name])),
                .init("Layers", .strings(layers.map(Self.path))),
            ])
        ]).canonicalBytes
    }
}
