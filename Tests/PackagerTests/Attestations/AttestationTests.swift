import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Documents about an image")
struct AttestationTests {
    private static let packager = Packager(certificates: nil, workerCount: 1)

    private func image(
        _ program: [UInt8],
        _ options: [(name: String, value: String)] = []
    ) async throws -> PackagedImage {
        try await package(program, options: options, with: Self.packager).image
    }

    private static var program: GoProgramFixture {
        GoProgramFixture(lines: ["dep\tgolang.org/x/Net\tv0.47.0+incompatible\th1:\(checksum)"])
    }

    private static let checksum = "Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48="
    private static let checksumDigits = "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"
    private static let commit = "674377e7e14ef527d7bbbc85b6b54f688bb579f4"

    @Test(
        "are artifacts with the image as their subject",
        arguments: [
            ([], [.spdx, .cyclonedx, .provenance]), (["on"], [.spdx, .cyclonedx, .provenance]),
            (["spdx"], [.spdx, .provenance]), (["cyclonedx"], [.cyclonedx, .provenance]),
            (["off"], [.provenance]),
        ] as [([String], [Attestation.Kind])]
    )
    func artifacts(option: [String], kinds: [Attestation.Kind]) async throws {
        let image = try await image(Self.program.bytes(), option.map { ("sbom", $0) })
        #expect(image.attestations.map(\.kind) == kinds)
        let types: [Attestation.Kind: String] = [
            .spdx: "application/spdx+json", .cyclonedx: "application/vnd.cyclonedx+json",
            .provenance: "application/vnd.in-toto+json",
        ]
        for attestation in image.attestations {
            let bytes = attestation.manifest.bytes
            #expect(attestation.manifest.descriptor.digest == OCI.Digest(of: bytes))
            let manifest = try Manifest(parsing: bytes, contentType: .ociManifest)
            #expect(manifest.artifactType?.rawValue == types[attestation.kind])
            #expect(manifest.subject == image.manifest.descriptor)
            #expect(manifest.annotations["org.opencontainers.image.created"] == "2026-11-23T09:31:24Z")
            let references = manifest.references.map(\.descriptor)
            #expect(
                references.map(\.mediaType.rawValue) == [
                    "application/vnd.oci.empty.v1+json", types[attestation.kind],
                ]
            )
            #expect(
                references.first?.digest.encoded
                    == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
            )
            #expect(references.last?.digest == OCI.Digest(of: attestation.content.bytes))
            #expect(references.last?.size == Int64(attestation.content.bytes.count))
            let title = references.last?.annotations["org.opencontainers.image.title"]
            #expect(title?.hasPrefix("app.") == true && title?.hasSuffix(".json") == true)
        }
    }

    @Test("in SPDX are known byte for byte")
    func spdx() async throws {
        let image = try await image(Self.program.bytes())
        let namespace = try SPDXList(of: image).documentNamespace
        let prefix = "https://spdx.org/spdxdocs/app-"
        #expect(
            namespace.hasPrefix(prefix) && UUID(uuidString: String(namespace.dropFirst(prefix.count))) != nil
        )
        let unknown = """
            "downloadLocation":"NOASSERTION","filesAnalyzed":false,"licenseConcluded":"NOASSERTION",\
            "licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION"
            """
        func url(_ text: String) -> String {
            """
            "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"\(text)"}]
            """
        }
        let app = "SPDXRef-Package-github.com-berth-example-app-v1.2.3"
        let net = "SPDXRef-Package-golang.org-x-Net-v0.47.0-incompatible"
        let expected = """
            {"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"app",\
            "documentNamespace":"\(namespace)","creationInfo":{"created":"2026-11-23T09:31:24Z",\
            "creators":["Tool: berth-recipe-\(ImageRecipe.number)"]},"packages":[\
            {"SPDXID":"\(app)","name":"github.com/berth-example/app","versionInfo":"v1.2.3",\
            "primaryPackagePurpose":"APPLICATION",\(unknown),\(url("pkg:golang/github.com/berth-example/app@v1.2.3")),\
            "packageFileName":"app",\
            "sourceInfo":"built from commit \(Self.commit) of https://github.com/berth-example/app",\
            "checksums":[{"algorithm":"SHA256","checksumValue":"\(image.executable.digest.encoded)"}]},\
            {"SPDXID":"SPDXRef-Package-stdlib-1.27.3","name":"stdlib","versionInfo":"1.27.3",\
            "primaryPackagePurpose":"LIBRARY",\(unknown),\(url("pkg:golang/stdlib@1.27.3"))},\
            {"SPDXID":"\(net)","name":"golang.org/x/Net","versionInfo":"v0.47.0+incompatible",\
            "primaryPackagePurpose":"LIBRARY",\(unknown),\
            \(url("pkg:golang/golang.org/x/net@v0.47.0%2Bincompatible")),\
            "checksums":[{"algorithm":"SHA256","checksumValue":"\(Self.checksumDigits)"}]}],"relationships":[\
            {"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"\(app)"},\
            {"spdxElementId":"\(app)","relationshipType":"DEPENDS_ON",\
            "relatedSpdxElement":"SPDXRef-Package-stdlib-1.27.3"},\
            {"spdxElementId":"\(app)","relationshipType":"DEPENDS_ON","relatedSpdxElement":"\(net)"}]}
            """
        #expect(String(decoding: try image.document(.spdx), as: UTF8.self) == expected)
    }

    @Test("in CycloneDX are known byte for byte")
    func cyclonedx() async throws {
        let image = try await image(Self.program.bytes())
        let number = try BillOfMaterials(of: image).serialNumber
        #expect(number.hasPrefix("urn:uuid:") && UUID(uuidString: String(number.dropFirst(9))) != nil)
        let app = "pkg:golang/github.com/berth-example/app@v1.2.3"
        let net = "pkg:golang/golang.org/x/net@v0.47.0%2Bincompatible"
        let expected = """
            {"$schema":"http://cyclonedx.org/schema/bom-1.5.schema.json","bomFormat":"CycloneDX","specVersion":"1.5",\
            "serialNumber":"\(number)","version":1,"metadata":{"timestamp":"2026-11-23T09:31:24Z",\
            "tools":{"components":[{"type":"application","name":"berth","version":"recipe-\(ImageRecipe.number)"}]},\
            "component":{"type":"application","bom-ref":"\(app)","name":"github.com/berth-example/app",\
            "version":"v1.2.3","hashes":[{"alg":"SHA-256","content":"\(image.executable.digest.encoded)"}],\
            "purl":"\(app)","externalReferences":[{"url":"https://github.com/berth-example/app","type":"vcs",\
            "comment":"commit \(Self.commit)"}]},"properties":[{"name":"berth:image","value":"\(image.digest)"}]},\
            "components":[{"type":"library","bom-ref":"pkg:golang/stdlib@1.27.3","name":"stdlib","version":"1.27.3",\
            "purl":"pkg:golang/stdlib@1.27.3"},{"type":"library","bom-ref":"\(net)","name":"golang.org/x/Net",\
            "version":"v0.47.0+incompatible","hashes":[{"alg":"SHA-256","content":"\(Self.checksumDigits)"}],\
            "purl":"\(net)"}],"dependencies":[{"ref":"\(app)","dependsOn":["pkg:golang/stdlib@1.27.3","\(net)"]}]}
            """
        #expect(String(decoding: try image.document(.cyclonedx), as: UTF8.self) == expected)
    }

    @Test("say where the image comes from, byte for byte")
    func provenance() async throws {
        let bundle = try certificateBundle()
        let packager = Packager(certificates: bundle, workerCount: 1)
        let options = [("cmd", "serve"), ("label", "k=v")]
        let image = try await package(Self.program.bytes(), options: options, with: packager).image
        let expected = """
            {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app",\
            "digest":{"sha256":"\(image.digest.encoded)"}}],"predicateType":"https://slsa.dev/provenance/v1",\
            "predicate":{"buildDefinition":{"buildType":"urn:berth:image-of-executable:v1","externalParameters":{\
            "entrypoint":["/app"],"cmd":["serve"],"label":{"k":"v"},"user":"65532:65532","workdir":"/",\
            "platform":"linux/amd64","created":"2026-11-23T09:31:24Z","name":"app","base":"default","ca":true,\
            "tz":false,"compress":"gzip","level":"fast"},"internalParameters":{"recipe":"\(ImageRecipe.number)"},\
            "resolvedDependencies":[{"name":"/app","digest":{"sha256":"\(image.executable.digest.encoded)"}},\
            {"name":"/etc/ssl/certs/ca-certificates.crt","digest":{"sha256":"\(bundle.digest.encoded)"}},\
            {"name":"source","uri":"git+https://github.com/berth-example/app",\
            "digest":{"gitCommit":"\(Self.commit)"}}]},"runDetails":{"builder":{"id":"urn:berth:packager"}}}}
            """
        #expect(String(decoding: try image.document(.provenance), as: UTF8.self) == expected)
    }

    @Test("name what was put around the program: time zones, and the files of a folder")
    func surroundings() async throws {
        let zones = TimeZones([("Europe/Paris", Array("TZif".utf8))])
        let packager = Packager(certificates: nil, timeZones: zones, workerCount: 1)
        let alone = try await package(Self.program.bytes(), options: [("tz", "on")], with: packager).image
        func text(_ image: PackagedImage, _ kind: Attestation.Kind = .provenance) throws -> String {
            String(decoding: try image.document(kind), as: UTF8.self)
        }
        let zonesResource = """
            {"name":"/usr/share/zoneinfo","digest":{"sha256":"\(zones.digest.encoded)"}}
            """
        #expect(try text(alone).contains(zonesResource) && text(alone).contains(#""tz":true"#))
        let program = ArchiveMember.file("srv/app", Self.program.bytes(), mode: 0o755)
        let folder = try await package(
            folder: [program, .file("srv/page.html", "page"), .file("srv/style.css")].archive,
            options: [("entrypoint", "/srv/app")],
            with: packager
        ).image
        let everything = #"{"name":"/","digest":{"sha256":"\#(folder.layer.diffID.encoded)"}}"#
        let executable = #"{"name":"/srv/app","digest":{"sha256":"\#(folder.executable.digest.encoded)"}}"#
        #expect(try text(folder).contains("\(executable),\(everything)"))
        #expect(try !text(folder).contains("zoneinfo") && !text(alone).contains(#""name":"/","#))
        #expect(try text(folder, .spdx).contains(#""comment":"2 files beside the program are not listed""#))
        #expect(try text(folder, .spdx).contains(#""packageFileName":"srv/app""#))
        let unlisted = try BillOfMaterials(of: folder).metadata.properties.last
        #expect(unlisted == .init(name: "berth:unlisted-files", value: "2"))
        #expect(try BillOfMaterials(of: alone).metadata.properties.count == 1)
    }

    @Test(
        "name as the source only what git would",
        arguments: [
            (commit, "https://github.com/berth-example/app"), (String(repeating: "0a", count: 32), "https"),
            (commit.uppercased(), nil), (String(commit.dropLast()), nil), ("main", nil), ("", nil),
            (String(repeating: "g", count: 40), nil), (commit + "0", nil),
        ] as [(String, String?)]
    )
    func sources(revision: String, expected: String?) async throws {
        var program = Self.program
        program.settings = [("vcs.revision", revision), ("vcs.modified", "true")]
        let image = try await image(program.bytes())
        let text = String(decoding: try image.document(.provenance), as: UTF8.self)
        #expect(text.contains("gitCommit") == (expected != nil))
        #expect(text.contains(#""annotations":{"isModified":true}"#) == (expected != nil))
        let list = String(decoding: try image.document(.spdx), as: UTF8.self)
        #expect(list.contains("with changes") == (expected != nil))
        // Where the module's path does not tell the address, the commit is there none the less.
        program.module = ("example.com/app", "v1")
        let other = String(
            decoding: try await self.image(program.bytes()).document(.provenance),
            as: UTF8.self
        )
        #expect(other.contains("gitCommit") == (expected != nil) && !other.contains("git+https"))
    }

    @Test("are the same for the same image, whatever was said of what it is anyway")
    func sameImage() async throws {
        let plain = try await image(Self.program.bytes())
        let again = try await package(
            Self.program.bytes(),
            with: Packager(certificates: nil, workerCount: 3)
        ).image
        #expect(plain.attestations == again.attestations)
        let said = try await image(
            Self.program.bytes(),
            [
                ("platform", "linux/amd64"), ("created", "2026-11-23T09:31:24Z"), ("entrypoint", "/app"),
                ("build", "17"), ("sbom", "on"),
            ]
        )
        #expect(said.digest == plain.digest && said.attestations == plain.attestations)
        var digests = Set(plain.attestations.map(\.content.descriptor.digest))
        let other = try await image(Self.program.bytes(), [("label", "k=v")])
        digests.formUnion(other.attestations.map(\.content.descriptor.digest))
        #expect(digests.count == 6)
    }

    @Test("have a number of their own for each image and purpose")
    func uuid() throws {
        func image(_ text: String) throws -> AttestedImage {
            AttestedImage(
                manifest: Descriptor(mediaType: .ociManifest, digest: Digest(of: Array(text.utf8)), size: 1),
                platform: Platform(os: "linux", architecture: "amd64"),
                created: "1970-01-01T00:00:00Z",
                name: try executableName("app"),
                executable: PackagedExecutable(path: "/app", digest: Digest(of: [1]), size: 1),
                origin: ProgramOrigin(),
                inventory: SoftwareInventory(),
                certificates: nil,
                timeZones: nil,
                folder: nil,
                options: PackagingOptions()
            )
        }
        let numbers = try ["a", "b"].flatMap { text in
            try ["spdx", "cyclonedx"].map { try image(text).uuid(for: $0) }
        }
        #expect(Set(numbers).count == 4)
        for number in numbers {
            // Version 8, in RFC 9562's variant.
            #expect(
                number.wholeMatch(
                    of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
                ) != nil
            )
        }
        #expect(numbers.first == "0414b8c6-d225-82a7-820e-cd190f71bacc")
    }
}
