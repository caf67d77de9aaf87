import OCI
import Packager
import Registry
import Storage

extension ImageDescription {
    /// The description for people.
    var text: String { lines.joined(separator: "\n") + "\n" }

    private var lines: [String] {
        var lines = Self.fields([
            ("Name", image.name.description), ("Digest", image.digest.description),
            ("Type", image.mediaType.rawValue),
            ("Artifact", isImage ? nil : image.artifactType?.rawValue),
            ("Pushed", (image.dates?.tagged ?? image.dates?.pushed)?.rfc3339),
            ("Expires", image.dates?.expires?.rfc3339),
            ("Size", "\(image.size.byteText) (\(image.size) bytes)"),
            ("Pull", isImage ? docker("pull") : nil),
            ("Run", isImage ? docker("run --rm") : nil),
        ])
        // An image's own are its only part's.
        if isIndex { lines += Self.list("Annotations", Self.pairs(image.annotations)) }
        lines += referrers(image.referrers, of: image.digest)
        for part in image.parts { lines += [""] + self.lines(of: part) }
        if image.hasMoreParts { lines += ["", "and more"] }
        return lines
    }

    private func lines(of part: ImageDetails.Part) -> [String] {
        let indentation = "  "
        let details =
            fields(of: part)
            + Self.list("Environment", part.configuration?.execution.environment ?? [])
            + Self.list("Labels", Self.pairs(part.configuration?.execution.labels ?? [:]))
            + Self.list("Annotations", Self.pairs(part.annotations))
            + Self.list("Layers", part.layers.map { "\($0.digest)  \($0.size.byteText)  \($0.mediaType)" })
            + referrers(part.referrers, of: part.digest)
        return [part.platform?.description.printable ?? "No platform"] + details.map { indentation + $0 }
    }

    private func fields(of part: ImageDetails.Part) -> [String] {
        let execution = part.configuration?.execution
        let build = AnnotatedBuild(annotations: part.annotations)
        return Self.fields([
            ("Digest", part.digest.description),
            ("Size", part.size.byteText),
            ("Created", part.configuration?.created),
            (
                "Executable",
                part.executable.map { "\($0.path), \(Int64(clamping: $0.size).byteText), \($0.digest)" }
            ),
            ("Get back", fileCommand(part)),
            ("Version", part.standard("version")),
            ("Revision", part.standard("revision").map { build.isModified ? "\($0), with changes" : $0 }),
            ("Source", part.standard("source")),
            ("Go", build.goText),
            ("User", execution?.user),
            ("Entrypoint", execution?.entrypoint.map(Self.words)),
            ("Command", execution?.command.map(Self.words)),
            ("Directory", execution?.workingDirectory),
            ("Ports", execution.flatMap { $0.exposedPorts.isEmpty ? nil : Self.words($0.exposedPorts) }),
            ("Health", execution?.healthCheck?.line),
        ])
    }

    private func referrers(_ referrers: ImageDetails.Referrers, of subject: Digest) -> [String] {
        let lines = referrers.descriptors.map { "\($0.artifactType ?? $0.mediaType)  \($0.digest)" }
        let rest = "and more: \(baseURL)/v2/\(image.name.repository)/referrers/\(subject)"
        return Self.list("Referrers", lines + (referrers.hasMore ? [rest] : []))
    }

    // MARK: Lines

    /// Names and values in two columns, without those that there are not.
    private static func fields(_ fields: [(String, String?)]) -> [String] {
        let width = fields.map { $1 == nil ? 0 : $0.count }.max() ?? 0
        return fields.compactMap { name, value in
            value.map {
                "\(name):\(String(repeating: " ", count: width - name.count + 2))\($0.printable(limit: longest))"
            }
        }
    }

    private static func list(_ name: String, _ values: [String]) -> [String] {
        values.isEmpty ? [] : ["\(name):"] + values.map { "  \($0.printable(limit: longest))" }
    }

    /// The longest value that is shown in full; JSON has the rest.
    private static var longest: Int { 1000 }

    private static func words(_ words: [String]) -> String { words.joined(separator: " ") }

    private static func pairs(_ pairs: [String: String]) -> [String] {
        pairs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}

extension ImageDetails.Part {
    /// What is said of the image under one of the specification's own keys, as a label or an annotation.
    fileprivate func standard(_ key: String) -> String? {
        let key = "org.opencontainers.image." + key
        return configuration?.execution.labels[key] ?? annotations[key]
    }
}

extension AnnotatedBuild {
    fileprivate var goText: String? {
        GoLine.text(version: goVersion, moduleCount: goModuleCount, amd64: goAMD64)
    }
}

extension HealthCheck {
    /// The command, and how often it runs where the image says that.
    fileprivate var line: String? {
        guard let kind = test.first, kind != "NONE" else { return nil }
        let command = test.dropFirst().joined(separator: " ")
        let times = [("every", interval), ("for", timeout), ("after", startPeriod)].compactMap { word, time in
            time.map { " \(word) \($0.text)" }
        }
        return command + times.joined(separator: ",") + (retries.map { ", \($0) times" } ?? "")
    }
}
