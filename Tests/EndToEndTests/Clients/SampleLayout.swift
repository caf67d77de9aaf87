import Foundation
import Testing

/// An OCI image layout that a test writes itself, so that every byte of it is known before a client has seen it.
///
/// It holds an image for this machine, whose program prints the greeting, one for another machine, an index of both, and an
/// index that lists that index. No other layout has blobs in common with it: what a client or an engine keeps from another
/// test cannot help it here.
struct SampleLayout {
    /// What an index or a manifest says about content.
    struct Entry {
        let mediaType: String
        let digest: String
        let size: Int
        /// The processor that an image is for, as images name it.
        var architecture: String?

        var json: [String: Any] {
            var json: [String: Any] = ["mediaType": mediaType, "digest": digest, "size": size]
            if let architecture { json["platform"] = ["os": "linux", "architecture": architecture] }
            return json
        }
    }

    static let manifestType = "application/vnd.oci.image.manifest.v1+json"
    static let indexType = "application/vnd.oci.image.index.v1+json"
    static let configType = "application/vnd.oci.image.config.v1+json"
    static let layerType = "application/vnd.oci.image.layer.v1.tar+gzip"

    #if arch(arm64)
        static let architectures = (host: "arm64", foreign: "amd64")
    #else
        static let architectures = (host: "amd64", foreign: "arm64")
    #endif

    let folder: URL
    /// What the program in the image for this machine prints.
    let greeting: String
    /// What the image for this machine consists of, besides its manifest.
    let blobs: [Entry]
    let image: Entry
    let foreign: Entry
    let index: Entry
    let nested: Entry

    /// The digest of the configuration, which is what docker calls the image's ID.
    var imageID: String { blobs[0].digest }
    var layer: Entry { blobs[1] }

    /// Writes the layout into the program's folder, where it is `oci:NAME`.
    ///
    /// With a padding, the image for this machine has so many bytes beside its program that do not compress.
    init(_ program: Program, _ name: String = "layout", padding: Int = 0) async throws {
        folder = program.folder.appending(path: name)
        greeting = "hello-\(UUID().uuidString)"
        let writer = try LayoutWriter(program: program, folder: folder)
        let executable = try await program.compileStatic("\(name)-hello", text: greeting)
        let root = try writer.rootFolder("\(name)-root")
        try FileManager.default.copyItem(at: executable, to: root.appending(path: "hello"))
        if padding > 0 {
            let made = try await program.tool(
                "sh",
                "-c",
                "head -c \(padding) /dev/urandom > '\(root.path)/padding'"
            )
            try #require(made.status == 0, "\(made.errors)")
        }
        let host = try await writer.image(Self.architectures.host, root)
        let otherRoot = try writer.rootFolder("\(name)-other")
        try Data(greeting.utf8).write(to: otherRoot.appending(path: "greeting"))
        let other = try await writer.image(Self.architectures.foreign, otherRoot)
        index = try await writer.index([host.image, other.image])
        nested = try await writer.index([index])
        (image, blobs, foreign) = (host.image, host.blobs, other.image)
        try writer.finish([("image", image), ("foreign", foreign), ("index", index), ("nested", nested)])
    }

    func file(_ entry: Entry) -> URL {
        folder.appending(path: "blobs/sha256/\(entry.digest.dropFirst("sha256:".count))")
    }
}

/// Puts content into a layout's folder, under its digest.
struct LayoutWriter {
    let program: Program
    let folder: URL

    init(program: Program, folder: URL) throws {
        (self.program, self.folder) = (program, folder)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "blobs/sha256"),
            withIntermediateDirectories: true
        )
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(to: folder.appending(path: "oci-layout"))
    }

    /// Goes on with a layout that is there.
    init(adding folder: URL, _ program: Program) { (self.program, self.folder) = (program, folder) }

    func rootFolder(_ name: String) throws -> URL {
        let root = program.folder.appending(path: name)
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        return root
    }

    /// Moves a file into the layout.
    func add(_ file: URL, type: String) async throws -> SampleLayout.Entry {
        let digest = try await sha256(file)
        let size = try #require(try file.resourceValues(forKeys: [.fileSizeKey]).fileSize)
        let place = folder.appending(path: "blobs/sha256/\(digest.dropFirst("sha256:".count))")
        try? FileManager.default.removeItem(at: place)
        try FileManager.default.moveItem(at: file, to: place)
        return .init(mediaType: type, digest: digest, size: size)
    }

    func add(_ json: [String: Any], type: String) async throws -> SampleLayout.Entry {
        let file = folder.appending(path: "document-\(UUID().uuidString)")
        try JSONSerialization.data(withJSONObject: json, options: [.sortedKeys, .withoutEscapingSlashes])
            .write(to: file)
        return try await add(file, type: type)
    }

    func image(
        _ architecture: String,
        _ root: URL
    ) async throws -> (image: SampleLayout.Entry, blobs: [SampleLayout.Entry]) {
        let tar = folder.appending(path: "layer-\(UUID().uuidString)")
        let made = try await program.tool(
            "tar",
            "--create",
            "--sort=name",
            "--numeric-owner",
            "--owner=0",
            "--group=0",
            "--mtime=@0",
            "--file=\(tar.path)",
            "--directory=\(root.path)",
            "."
        )
        try #require(made.status == 0, "\(made.errors)")
        let content = try await sha256(tar)
        let zipped = try await program.tool("gzip", "--no-name", "--fast", tar.path)
        try #require(zipped.status == 0, "\(zipped.errors)")
        let layer = try await add(tar.appendingPathExtension("gz"), type: SampleLayout.layerType)
        return try await image(architecture, layer, content: content)
    }

    /// An image of one layer that is there already, whose uncompressed content has the digest.
    func image(
        _ architecture: String,
        _ layer: SampleLayout.Entry,
        content: String
    ) async throws -> (image: SampleLayout.Entry, blobs: [SampleLayout.Entry]) {
        let config = try await add(
            [
                "architecture": architecture, "os": "linux", "config": ["Entrypoint": ["/hello"]],
                "rootfs": ["type": "layers", "diff_ids": [content]],
                "history": [["created": "2001-02-03T04:05:06Z", "created_by": "a test"]],
            ],
            type: SampleLayout.configType
        )
        var image = try await add(
            [
                "schemaVersion": 2, "mediaType": SampleLayout.manifestType, "config": config.json,
                "layers": [layer.json],
            ],
            type: SampleLayout.manifestType
        )
        image.architecture = architecture
        return (image, [config, layer])
    }

    func index(_ entries: [SampleLayout.Entry]) async throws -> SampleLayout.Entry {
        try await add(
            [
                "schemaVersion": 2, "mediaType": SampleLayout.indexType, "manifests": entries.map(\.json),
            ],
            type: SampleLayout.indexType
        )
    }

    /// Writes the table of contents.
    func finish(_ entries: [(name: String, entry: SampleLayout.Entry)]) throws {
        let manifests = entries.map { name, entry in
            var json = entry.json
            json["annotations"] = ["org.opencontainers.image.ref.name": name]
            return json
        }
        try JSONSerialization.data(withJSONObject: ["schemaVersion": 2, "manifests": manifests])
            .write(to: folder.appending(path: "index.json"))
    }

    private func sha256(_ file: URL) async throws -> String {
        let sum = try await program.tool("sha256sum", file.path)
        try #require(sum.status == 0, "\(sum.errors)")
        return "sha256:\(sum.output.prefix(64))"
    }
}
