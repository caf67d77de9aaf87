import OCI
import Testing

@testable import Packager

@Suite("Configuration and manifest")
struct ImageDocumentTests {
    private static let program = staticExecutable(Array("program".utf8))

    @Test("The documents say what the specification wants, in one fixed order of keys")
    func defaults() async throws {
        let bundle = try certificateBundle()
        let image = try await package(Self.program, with: Packager(certificates: bundle, workerCount: 1))
            .image
        let configuration = """
            {"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"User":"65532:65532",\
            "Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",\
            "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],"Entrypoint":["/app"],"WorkingDir":"/",\
            "Labels":{"org.opencontainers.image.title":"app"}},"rootfs":{"type":"layers",\
            "diff_ids":["\(image.layer.diffID)"]},"history":[{"created":"1970-01-01T00:00:00Z",\
            "created_by":"berth recipe 4","comment":"/app"}]}
            """
        #expect(String(decoding: image.configuration.bytes, as: UTF8.self) == configuration)
        let manifest = """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json",\
            "digest":"\(image.configuration.descriptor.digest)","size":\(configuration.utf8.count)},\
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",\
            "digest":"\(image.layer.descriptor.digest)","size":\(image.layer.descriptor.size)}],\
            "annotations":{"berth.certificates":"\(bundle.digest)",\
            "berth.executable":"\(Digest(of: Self.program))","berth.executable-path":"/app",\
            "berth.executable-size":"\(Self.program.count)","berth.recipe":"4",\
            "org.opencontainers.image.title":"app"}}
            """
        #expect(String(decoding: image.manifest.bytes, as: UTF8.self) == manifest)
        #expect(image.digest == Digest(of: image.manifest.bytes))
        #expect(image.platform == Platform(os: "linux", architecture: "amd64"))
        #expect(image.notes == [])
        let parts = image.layer.descriptor.size + Int64(configuration.utf8.count + manifest.utf8.count)
        #expect(image.transferSize == parts)
    }

    @Test("The documents are ones that this program takes from anybody")
    func parsing() async throws {
        let options = [
            "entrypoint=/app", "entrypoint=-v", "cmd=serve", "cmd=a b", "env=B=2", "env=A=x=y",
            "env=PATH=/bin",
            "port=8080", "port=53/udp", "port=80", "port=80/tcp", "label=z=1", "label=a=\u{1F6A2} \"quoted\"",
            "label=org.opencontainers.image.title=Other", "label=org.opencontainers.image.version=1.2",
            "user=1000",
            "workdir=/data//x/",
        ]
        let packager = Packager(certificates: nil, workerCount: 1)
        let image = try await package(Self.program, options: pairs(options), with: packager).image
        let configuration = try ImageConfiguration(parsing: image.configuration.bytes)
        #expect(configuration.execution.entrypoint == ["/app", "-v"])
        #expect(configuration.execution.command == ["serve", "a b"])
        #expect(configuration.execution.environment == ["B=2", "A=x=y", "PATH=/bin"])
        #expect(configuration.execution.exposedPorts == ["53/udp", "80/tcp", "8080/tcp"])
        #expect(configuration.execution.user == "1000")
        #expect(configuration.execution.workingDirectory == "/data/x")
        let title = "org.opencontainers.image.title"
        let version = "org.opencontainers.image.version"
        let labels = [title: "Other", version: "1.2", "z": "1", "a": "\u{1F6A2} \"quoted\""]
        #expect(configuration.execution.labels == labels)
        #expect(configuration.diffIDs == [image.layer.diffID])

        let manifest = try Manifest(parsing: image.manifest.bytes, contentType: .ociManifest)
        let own = [
            "berth.recipe": "4", "berth.executable": "\(Digest(of: Self.program))",
            "berth.executable-path": "/app", "berth.executable-size": "\(Self.program.count)",
        ]
        #expect(manifest.annotations == own.merging([title: "Other", version: "1.2"]) { $1 })
        guard case .image(image.configuration.descriptor, [image.layer.descriptor]) = manifest.content else {
            Issue.record("the manifest refers to other things: \(manifest.content)")
            return
        }
    }

    @Test("What was asked for stands in the documents, above what the program tells")
    func askedFor() async throws {
        let options = [
            "platform=linux/arm64", "created=2026-11-23T09:31:24Z", "name=Server", "annotation=team=a",
            "annotation=org.opencontainers.image.title=Ours", "health-cmd=/Server -health",
        ]
        let packager = Packager(certificates: nil, workerCount: 1)
        let image = try await package(Self.program, options: pairs(options + ["ca=off"]), with: packager)
            .image
        let configuration = try ImageConfiguration(parsing: image.configuration.bytes)
        #expect(configuration.platform == Platform(os: "linux", architecture: "arm64"))
        #expect(configuration.created == "2026-11-23T09:31:24Z")
        #expect(configuration.execution.entrypoint == ["/Server"])
        #expect(configuration.execution.healthCheck?.test == ["CMD", "/Server", "-health"])
        let manifest = try Manifest(parsing: image.manifest.bytes, contentType: .ociManifest)
        #expect(manifest.annotations["team"] == "a")
        #expect(manifest.annotations["org.opencontainers.image.title"] == "Ours")
        #expect(manifest.annotations["org.opencontainers.image.created"] == "2026-11-23T09:31:24Z")
        #expect(manifest.annotations["berth.executable-path"] == "/Server")
        let found = Platform(os: "linux", architecture: "amd64")
        #expect(image.notes == [.otherPlatform(said: image.platform, found: found)])
    }

    @Test("Without certificates nothing claims any, and the reply says so")
    func withoutCertificates() async throws {
        let none = Packager(certificates: nil, workerCount: 1)
        let some = Packager(certificates: try certificateBundle(), workerCount: 1)
        let cases: [(Packager, [String], [PackagingNote])] = [
            (none, [], [.noCertificates]), (none, ["base=none", "ca=on"], [.noCertificates]),
            (none, ["ca=off"], []),
            (none, ["base=none"], []), (some, ["ca=off"], []), (some, ["base=none"], []),
        ]
        for (packager, options, notes) in cases {
            let image = try await package(Self.program, options: pairs(options), with: packager).image
            #expect(image.notes == notes)
            #expect(!String(decoding: image.configuration.bytes, as: UTF8.self).contains("SSL_CERT_FILE"))
            #expect(!String(decoding: image.manifest.bytes, as: UTF8.self).contains("berth.certificates"))
        }
        #expect("\(PackagingNote.noCertificates)".contains("packaging.ca-bundle"))
    }
}
