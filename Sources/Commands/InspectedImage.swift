import FoundationEssentials
import OCI

/// An image as the owner of a folder describes it.
struct InspectedImage: Decodable {
    struct Part: Decodable {
        let digest: String
        let platform: String?
        let size: Int64
        let created: String?
        let configuration: ImageConfiguration.Execution?
        let layers: [Descriptor]?
        let annotations: [String: String]?
    }

    let name: String
    let digest: String
    let mediaType: String
    let size: Int64
    let annotations: [String: String]?
    let parts: [Part]
}

extension InspectedImage {
    /// The description for people.
    var lines: [String] {
        var lines = Self.fields([
            ("Name", name), ("Digest", digest), ("Type", mediaType),
            ("Size", "\(size.byteText) (\(size) bytes)"),
        ])
        for part in parts { lines += [""] + part.lines }
        return lines
    }

    fileprivate static func fields(_ fields: [(String, String?)], indentation: String = "") -> [String] {
        let width = fields.map(\.0.count).max() ?? 0
        return fields.compactMap { name, value in
            value.map {
                "\(indentation)\(name):\(String(repeating: " ", count: width - name.count + 2))\($0.printable(limit: 1000))"
            }
        }
    }
}

extension InspectedImage.Part {
    fileprivate var lines: [String] {
        let execution = configuration
        var lines = [platform ?? "No platform"]
        lines += InspectedImage.fields(
            [
                ("Digest", digest),
                ("Size", size.byteText),
                ("Created", created),
                ("Version", standard("version")),
                ("Revision", standard("revision")),
                ("Source", standard("source")),
                ("Go", goVersion),
                ("User", execution?.user),
                ("Entrypoint", execution?.entrypoint.map(Self.words)),
                ("Command", execution?.command.map(Self.words)),
                ("Directory", execution?.workingDirectory),
                ("Ports", execution.flatMap { $0.exposedPorts.isEmpty ? nil : Self.words($0.exposedPorts) }),
            ],
            indentation: "  "
        )
        lines += Self.list("Environment", execution?.environment ?? [])
        lines += Self.list("Labels", Self.pairs(execution?.labels ?? [:]))
        lines += Self.list("Annotations", Self.pairs(annotations ?? [:]))
        lines += Self.list(
            "Layers",
            (layers ?? []).map { "\($0.digest)  \($0.size.byteText)  \($0.mediaType)" }
        )
        return lines
    }

    /// What is said of the image under one of the specification's own keys, as a label or an annotation.
    private func standard(_ key: String) -> String? {
        let key = "org.opencontainers.image." + key
        return configuration?.labels[key] ?? annotations?[key]
    }

    private var goVersion: String? {
        guard let version = annotations?["berth.go"] else { return nil }
        let count = annotations?["berth.go-modules"].flatMap(Int.init)
        return version + (count.map { $0 == 1 ? ", with 1 module" : ", with \($0) modules" } ?? "")
    }

    private static func words(_ words: [String]) -> String { words.joined(separator: " ") }

    private static func pairs(_ pairs: [String: String]) -> [String] {
        pairs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static func list(_ name: String, _ values: [String]) -> [String] {
        values.isEmpty ? [] : ["  \(name):"] + values.map { "    \($0.printable(limit: 1000))" }
    }
}
