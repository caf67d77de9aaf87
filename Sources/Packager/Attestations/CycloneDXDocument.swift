import OCI

/// What a program consists of, as CycloneDX writes it down.
///
/// Of version 1.5, which more readers know than the later ones, and which has all that there is to say.
///
/// - SeeAlso: CycloneDX 1.5, bom-1.5.schema.json
struct CycloneDXDocument {
    private let image: AttestedImage
    private let inventory: SoftwareInventory
    /// The names of the program and of what is in it within the document, in the inventory's order.
    private let programReference: String
    private let references: [String]

    init(of image: AttestedImage) {
        self.image = image
        inventory = image.inventory
        var taken: Set<String> = []
        programReference = Self.reference(to: inventory.program, &taken)
        references = inventory.components.map { Self.reference(to: $0, &taken) }
    }

    /// A name that no other component of the document has: where it can be the package URL, as readers expect.
    private static func reference(to component: SoftwareComponent, _ taken: inout Set<String>) -> String {
        // The word keeps a name from reading as the address of another document.
        let plain =
            component.url?.description
            ?? "component \(component.name)" + (component.version.map { " \($0)" } ?? "")
        var reference = plain
        var number = 1
        while !taken.insert(reference).inserted {
            number += 1
            reference = "\(plain) \(number)"
        }
        return reference
    }

    var json: JSONValue {
        .object([
            .init("$schema", .string("http://cyclonedx.org/schema/bom-1.5.schema.json")),
            .init("bomFormat", .string("CycloneDX")),
            .init("specVersion", .string("1.5")),
            .init("serialNumber", .string("urn:uuid:\(image.uuid(for: "cyclonedx"))")),
            .init("version", .integer(1)),
            .init("metadata", metadata),
            .init("components", .array(zip(inventory.components, references).map(Self.library))),
            .init("dependencies", .array(dependencies)),
        ])
    }

    private var metadata: JSONValue {
        let tool = JSONValue.object([
            .init("type", .string("application")), .init("name", .string("berth")),
            .init("version", .string("recipe-\(ImageRecipe.number)")),
        ])
        var members: [JSONValue.Member] = [
            .init("timestamp", .string(image.created)),
            .init("tools", .object([.init("components", .array([tool]))])),
            .init("component", program),
        ]
        var properties = [Self.property("berth:image", image.manifest.digest.description)]
        if inventory.omissionCount > 0 {
            properties.append(Self.property("berth:omissions", String(inventory.omissionCount)))
        }
        if image.unlistedFileCount > 0 {
            properties.append(Self.property("berth:unlisted-files", String(image.unlistedFileCount)))
        }
        members.append(.init("properties", .array(properties)))
        return .object(members)
    }

    private var program: JSONValue {
        var members = Self.members(
            of: inventory.program,
            type: "application",
            reference: programReference,
            checksum: image.executable.digest.encoded
        )
        if let source = image.origin.source {
            var reference: [JSONValue.Member] = [
                .init("url", .string(source)), .init("type", .string("vcs")),
            ]
            if let commit = image.gitCommit {
                reference.append(.init("comment", .string("commit \(commit)")))
            }
            members.append(.init("externalReferences", .array([.object(reference)])))
        }
        return .object(members)
    }

    private static func library(_ component: SoftwareComponent, reference: String) -> JSONValue {
        .object(
            members(of: component, type: "library", reference: reference, checksum: component.checksum)
        )
    }

    private static func members(
        of component: SoftwareComponent,
        type: String,
        reference: String,
        checksum: String?
    ) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("type", .string(type)),
            .init("bom-ref", .string(reference)),
            .init("name", .string(component.name)),
        ]
        if let version = component.version { members.append(.init("version", .string(version))) }
        if let checksum {
            let hash = JSONValue.object([
                .init("alg", .string("SHA-256")), .init("content", .string(checksum)),
            ])
            members.append(.init("hashes", .array([hash])))
        }
        if let url = component.url { members.append(.init("purl", .string(url.description))) }
        if let note = component.note {
            members.append(.init("properties", .array([property("berth:note", note)])))
        }
        return members
    }

    private static func property(_ name: String, _ value: String) -> JSONValue {
        .object([.init("name", .string(name)), .init("value", .string(value))])
    }

    private var dependencies: [JSONValue] {
        let program = JSONValue.object([
            .init("ref", .string(programReference)), .init("dependsOn", .strings(references)),
        ])
        // Build information does not tell which of them needs which: absent from the list, they say nothing.
        return [program]
    }
}
