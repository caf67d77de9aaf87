import OCI

/// What a program consists of, as SPDX writes it down.
///
/// - SeeAlso: SPDX specification 2.3, and its JSON schema
struct SPDXDocument {
    private static let unknown = JSONValue.string("NOASSERTION")
    private static let documentID = "SPDXRef-DOCUMENT"

    private let image: AttestedImage
    private let inventory: SoftwareInventory
    /// The identifiers of the program and of what is in it, in the inventory's order.
    private let programID: String
    private let componentIDs: [String]

    init(of image: AttestedImage) {
        self.image = image
        inventory = image.inventory
        var taken: Set<String> = []
        programID = Self.identifier(of: inventory.program, &taken)
        componentIDs = inventory.components.map { Self.identifier(of: $0, &taken) }
    }

    /// An identifier that no other package of the document has.
    private static func identifier(of component: SoftwareComponent, _ taken: inout Set<String>) -> String {
        let text = "SPDXRef-Package-\(component.name)" + (component.version.map { "-\($0)" } ?? "")
        let plain = text.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "." ? $0 : "-" }
        var identifier = String(plain)
        var number = 1
        while !taken.insert(identifier).inserted {
            number += 1
            identifier = "\(String(plain))-\(number)"
        }
        return identifier
    }

    var json: JSONValue {
        .object([
            .init("spdxVersion", .string("SPDX-2.3")),
            .init("dataLicense", .string("CC0-1.0")),
            .init("SPDXID", .string(Self.documentID)),
            .init("name", .string(image.name.rawValue)),
            .init("documentNamespace", .string(namespace)),
            .init("creationInfo", creation),
            .init("packages", .array([program] + zip(inventory.components, componentIDs).map(Self.package))),
            .init("relationships", .array(relationships)),
        ])
    }

    /// Where the specification has the documents of those without an address of their own.
    private var namespace: String {
        "https://spdx.org/spdxdocs/\(image.name.rawValue)-\(image.uuid(for: "spdx"))"
    }

    private var creation: JSONValue {
        var members: [JSONValue.Member] = [
            .init("created", .string(image.created)),
            .init("creators", .strings(["Tool: berth-recipe-\(ImageRecipe.number)"])),
        ]
        var remarks: [String] = []
        if inventory.omissionCount > 0 {
            remarks.append("\(inventory.omissionCount) entries of the build information are left out")
        }
        if image.unlistedFileCount > 0 {
            remarks.append("\(image.unlistedFileCount) files beside the program are not listed")
        }
        if !remarks.isEmpty { members.append(.init("comment", .string(remarks.joined(separator: "; ")))) }
        return .object(members)
    }

    private var program: JSONValue {
        var members = Self.members(of: inventory.program, id: programID, purpose: "APPLICATION")
        members.append(.init("packageFileName", .string(String(image.executable.path.dropFirst()))))
        if let commit = image.gitCommit {
            let place = image.origin.source.map { " of \($0)" } ?? ""
            let changes = image.origin.isModified ? ", with changes" : ""
            members.append(.init("sourceInfo", .string("built from commit \(commit)\(place)\(changes)")))
        }
        members.append(.init("checksums", Self.checksums(image.executable.digest.encoded)))
        return .object(members)
    }

    private static func package(_ component: SoftwareComponent, id: String) -> JSONValue {
        var members = members(of: component, id: id, purpose: "LIBRARY")
        if let checksum = component.checksum { members.append(.init("checksums", checksums(checksum))) }
        return .object(members)
    }

    private static func members(
        of component: SoftwareComponent,
        id: String,
        purpose: String
    ) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("SPDXID", .string(id)),
            .init("name", .string(component.name)),
        ]
        if let version = component.version { members.append(.init("versionInfo", .string(version))) }
        members += [
            .init("primaryPackagePurpose", .string(purpose)),
            .init("downloadLocation", unknown),
            .init("filesAnalyzed", .bool(false)),
            .init("licenseConcluded", unknown),
            .init("licenseDeclared", unknown),
            .init("copyrightText", unknown),
        ]
        if let url = component.url {
            let reference = JSONValue.object([
                .init("referenceCategory", .string("PACKAGE-MANAGER")),
                .init("referenceType", .string("purl")),
                .init("referenceLocator", .string(url.description)),
            ])
            members.append(.init("externalRefs", .array([reference])))
        }
        if let note = component.note { members.append(.init("comment", .string(note))) }
        return members
    }

    private static func checksums(_ sha256: String) -> JSONValue {
        .array([
            .object([.init("algorithm", .string("SHA256")), .init("checksumValue", .string(sha256))])
        ])
    }

    private var relationships: [JSONValue] {
        func relationship(_ from: String, _ type: String, _ to: String) -> JSONValue {
            .object([
                .init("spdxElementId", .string(from)),
                .init("relationshipType", .string(type)),
                .init("relatedSpdxElement", .string(to)),
            ])
        }
        return [relationship(Self.documentID, "DESCRIBES", programID)]
            + componentIDs.map { relationship(programID, "DEPENDS_ON", $0) }
    }
}
