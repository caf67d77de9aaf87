import Foundation
import OCI

@testable import Packager

/// A list of what a program consists of, as readers take it out of CycloneDX.
struct BillOfMaterials: Decodable {
    struct Component: Decodable {
        struct Hash: Decodable {
            let alg: String
            let content: String
        }

        struct Property: Decodable, Equatable {
            let name: String
            let value: String
        }

        let type: String
        let reference: String
        let name: String
        let version: String?
        let purl: String?
        let hashes: [Hash]?
        let properties: [Property]?

        enum CodingKeys: String, CodingKey {
            case type, name, version, purl, hashes, properties
            case reference = "bom-ref"
        }

        /// What tests compare: name, version, package URL and note, or a dash.
        var summary: String {
            [name, version, purl, properties?.first?.value].map { $0 ?? "-" }.joined(separator: " | ")
        }
    }

    struct Metadata: Decodable {
        let timestamp: String
        let component: Component
        let properties: [Component.Property]
    }

    struct Dependency: Decodable {
        let ref: String
        let dependsOn: [String]
    }

    let serialNumber: String
    let metadata: Metadata
    let components: [Component]
    let dependencies: [Dependency]

    init(of image: PackagedImage) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(try image.document(.cyclonedx)))
    }
}

/// The same as readers take it out of SPDX.
struct SPDXList: Decodable {
    struct Package: Decodable {
        let SPDXID: String
        let name: String
        let versionInfo: String?
        let comment: String?
    }

    struct Relationship: Decodable {
        let spdxElementId: String
        let relationshipType: String
        let relatedSpdxElement: String
    }

    struct Creation: Decodable {
        let created: String
        let comment: String?
    }

    let documentNamespace: String
    let creationInfo: Creation
    let packages: [Package]
    let relationships: [Relationship]

    init(of image: PackagedImage) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(try image.document(.spdx)))
    }
}

extension PackagedImage {
    struct NoSuchDocument: Error {}

    /// The bytes of a document about the image.
    func document(_ kind: Attestation.Kind) throws -> [UInt8] {
        guard let attestation = attestations.first(where: { $0.kind == kind }) else { throw NoSuchDocument() }
        return attestation.content.bytes
    }
}
