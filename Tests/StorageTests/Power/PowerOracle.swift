import Foundation
import GRDB
import OCI
import TestSupport

@testable import Storage

/// Opens what a loss of power has left as the next owner does, and holds it to what clients were told.
struct PowerOracle: Sendable {
    /// Every manifest that was ever pushed.
    let manifests: [OCI.Digest: ManifestFixture]

    init(_ manifests: [ManifestFixture]) {
        self.manifests = Dictionary(manifests.map { ($0.digest, $0) }) { first, _ in first }
    }

    /// What is wrong with a folder; nothing, where all promises are kept.
    func losses(at path: String, _ expectation: Expectation) async -> [String] {
        do {
            let scene = try await FolderScene.open(path)
            do {
                var losses = try await Self.violations(scene)
                losses += try await brokenPromises(scene, expectation)
                losses += try await Self.furtherPush(scene)
                try await scene.folder.abandon()
                return losses
            } catch {
                try? await scene.folder.abandon()
                return ["cannot be used: \(error)"]
            }
        } catch {
            return ["cannot be opened: \(error)"]
        }
    }

    /// What must never be in the catalog or beside it.
    private static func violations(_ scene: FolderScene) async throws -> [String] {
        guard let database = scene.catalog as? SQLiteCatalog else { return ["no catalog"] }
        var (found, blobs) = try await database.read { database in
            var found: [String] = []
            for (name, query) in CatalogInvariants.violations {
                let rows = try String.fetchAll(database, sql: query)
                if !rows.isEmpty { found.append("\(name): \(rows)") }
            }
            found += try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map(\.description)
            found += try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            let blobs = try Row.fetchAll(database, sql: "SELECT digest, size, state, synced FROM blob").map {
                row in
                (digest: try row.digest("digest"), size: row["size"] as Int64, state: row["state"] as Int)
            }
            return (found, blobs)
        }
        for blob in blobs where blob.state == 0 {
            if try await !scene.blobs.verify(blob.digest, size: blob.size) {
                found.append("\(blob.digest) is not whole")
            }
        }
        let placed = Shared<Set<OCI.Digest>>([])
        try await scene.blobs.forEachPlaced { digests in placed.update { $0.formUnion(digests) } }
        for digest in placed.value.symmetricDifference(blobs.map(\.digest)) {
            found.append("\(digest) is a row or a file alone")
        }
        return found
    }

    /// What a client was told, and does not find.
    private func brokenPromises(_ scene: FolderScene, _ expectation: Expectation) async throws -> [String] {
        guard let database = scene.catalog as? SQLiteCatalog else { return ["no catalog"] }
        let content = try await database.read { try FolderContent($0) }
        var broken: [String] = []
        for (key, possible) in expectation.values where !possible.contains(.perhaps) {
            let value = content.values[key] ?? .absent
            if !possible.contains(value) { broken.append("\(key) is \(value), not one of \(possible)") }
        }
        for (repository, stored) in content.manifests {
            for (digest, bytes) in stored {
                guard let manifest = manifests[digest], manifest.bytes == bytes else {
                    broken.append("\(digest) has other bytes")
                    continue
                }
                for reference in manifest.references {
                    let target = reference.descriptor.digest
                    guard stored[target] == nil,
                        content.values[.blob(target, repository)] == nil
                    else { continue }
                    broken.append("\(digest) lacks \(target)")
                }
            }
        }
        return broken
    }

    /// What is pushed to a folder after a loss of power.
    static var furtherImage: ImageFixture {
        get throws { try ImageFixture("further", layers: [BlobFixture("a further layer")]) }
    }

    /// Whether the folder takes another image, and gives it back.
    private static func furtherPush(_ scene: FolderScene) async throws -> [String] {
        let image = try furtherImage
        try await scene.push(image, to: scene.app, tags: [.edge])
        for blob in image.blobs where try await scene.pull(blob, from: scene.app) != blob.bytes {
            return ["a further push is not there"]
        }
        let stored = try await scene.manifest(.tag(.edge), in: scene.app)
        return stored?.bytes == image.manifest.bytes ? [] : ["a further push is not tagged"]
    }
}

/// Everything that clients can find in a folder.
private struct FolderContent: Sendable {
    var values: [ClientOperation.Key: ClientOperation.Value] = [:]
    var manifests: [RepositoryName: [OCI.Digest: [UInt8]]] = [:]

    init(_ database: Database) throws {
        let manifests = try Row.fetchAll(
            database,
            sql: """
                SELECT name, digest, bytes FROM repository_manifest
                JOIN repository ON repository.id = repository_id JOIN manifest ON manifest.id = manifest_id
                """
        )
        for row in manifests {
            let repository = try row.repositoryName("name")
            let digest = try row.digest("digest")
            values[.manifest(digest, repository)] = .manifest(digest)
            self.manifests[repository, default: [:]][digest] = Array(row["bytes"] as Data)
        }
        let tags = try Row.fetchAll(
            database,
            sql: """
                SELECT repository.name AS name, tag.name AS tag, digest FROM tag
                JOIN repository ON repository.id = repository_id JOIN manifest ON manifest.id = manifest_id
                """
        )
        for row in tags {
            values[.tag(try row.tag("tag"), try row.repositoryName("name"))] = .manifest(
                try row.digest("digest")
            )
        }
        let blobs = try Row.fetchAll(
            database,
            sql: """
                SELECT name, digest FROM repository_blob JOIN repository ON repository.id = repository_id
                JOIN blob ON blob.id = blob_id WHERE state = 0
                """
        )
        for row in blobs {
            values[.blob(try row.digest("digest"), try row.repositoryName("name"))] = .perhaps
        }
    }
}
