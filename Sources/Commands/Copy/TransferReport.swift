import ArgumentParser
import OCI

/// What became of the images that a command was to bring somewhere.
struct TransferReport: Sendable {
    struct Image: Encodable, Sendable {
        let name: String
        let digest: Digest
        /// What its indexes list and nobody had, where the destination has taken them all the same; nil for nothing.
        let missing: [Digest]?
    }

    /// Something of which not everything was there, so that it has no name now.
    struct LeftOut: Encodable, Sendable {
        let name: String
        let reason: String
    }

    private(set) var images: [Image] = []
    var leftOut: [LeftOut] = []

    mutating func add(_ name: String, _ digest: Digest, missing: [Descriptor]) {
        images.append(
            Image(name: name, digest: digest, missing: missing.isEmpty ? nil : missing.map(\.digest))
        )
    }

    private struct Document: Encodable {
        let verb: String
        let report: TransferReport

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }

            init(_ stringValue: String) { self.stringValue = stringValue }
            init?(stringValue: String) { self.init(stringValue) }
            init?(intValue: Int) { nil }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(report.images, forKey: Key(verb))
            try container.encode(report.leftOut, forKey: Key("leftOut"))
        }
    }

    /// Prints what came, and what did not.
    ///
    /// `verb`: what happened to the images, such as `copied`.
    ///
    /// - Throws: the exit status, where not all of it came: 1 if nothing did, else 2.
    func print(verb: String, isJSON: Bool) throws {
        if isJSON {
            try Terminal.printJSON(Document(verb: verb, report: self))
        } else {
            for image in images { Terminal.print("\(verb) \(image.name) \(image.digest)") }
        }
        for image in images {
            guard let missing = image.missing else { continue }
            let digests = missing.map(\.description).joined(separator: ", ")
            Terminal.warn("\(image.name): \(verb) without \(digests), which is missing")
        }
        for item in leftOut { Terminal.warn("left out \(item.name): \(item.reason)") }
        if !leftOut.isEmpty { throw ExitCode(images.isEmpty ? 1 : 2) }
    }
}
