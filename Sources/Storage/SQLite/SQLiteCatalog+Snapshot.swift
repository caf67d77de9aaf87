import Dispatch
import GRDB
package import OCI

extension SQLiteCatalog {
    package func withSnapshot<Value: Sendable>(
        now: Timestamp,
        _ body: @escaping @Sendable (any CatalogSnapshot) throws -> Value
    ) async throws -> Value {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                // A connection of its own, for the body may read the live catalog as well, and block for long.
                DispatchQueue.global().async { [self] in
                    continuation.resume(
                        with: Result {
                            try makeSnapshot().read { try body(SQLiteSnapshot(database: $0, now: now)) }
                        }
                    )
                }
            }
        } catch let error as DatabaseError {
            throw StorageError(error)
        }
    }

    package func hasManifest(_ digest: Digest, in repository: RepositoryName) throws -> Bool {
        try readBlocking { database in
            guard let repositoryID = try database.repositoryID(repository) else { return false }
            return try database.manifestID(digest, repositoryID: repositoryID) != nil
        }
    }
}

/// A read transaction.
struct SQLiteSnapshot {
    let database: Database
    /// Tags that have expired by then are not there.
    private let now: Timestamp

    init(database: Database, now: Timestamp) {
        self.database = database
        self.now = now
    }

    /// A repository, or a tag in it.
    private struct Scope {
        let repository: RepositoryName
        let repositoryID: Int64
        /// Nil for all of it.
        let tag: Tag?
    }

    private func scope(of part: ImageSelection.Part) throws -> Scope? {
        switch part {
        case .repository(let name):
            try database.row(
                "SELECT id FROM repository WHERE name = ? AND manifest_count > 0",
                [name.rawValue]
            )
            .map { Scope(repository: name, repositoryID: $0["id"], tag: nil) }
        case .tag(let name, let tag):
            try database.row(
                """
                SELECT repository.id FROM repository JOIN tag ON tag.repository_id = repository.id AND tag.name = ?
                WHERE repository.name = ? AND (tag.expires_at IS NULL OR tag.expires_at > ?)
                """,
                [tag.rawValue, name.rawValue, now]
            )
            .map { Scope(repository: name, repositoryID: $0["id"], tag: tag) }
        }
    }

    private func forEachScope(of selection: ImageSelection, _ body: (Scope) throws -> Void) throws {
        if let parts = selection.parts {
            for part in parts { if let scope = try scope(of: part) { try body(scope) } }
            return
        }
        try forEachRow("SELECT id, name FROM repository WHERE manifest_count > 0 ORDER BY name", []) { row in
            let name = try row.repositoryName("name")
            try body(Scope(repository: name, repositoryID: row["id"], tag: nil))
        }
    }

    private func forEachRow(
        _ sql: String,
        _ arguments: StatementArguments,
        _ body: (Row) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: arguments)
        while let row = try rows.next() { try body(row) }
    }
}

extension SQLiteSnapshot: CatalogSnapshot {
    func contains(_ part: ImageSelection.Part) throws -> Bool { try scope(of: part) != nil }

    func indexes(listing digest: Digest, in repository: RepositoryName) throws -> [Digest] {
        guard let repositoryID = try database.repositoryID(repository) else { return [] }
        return try database.rows(
            """
            SELECT manifest.digest FROM reference JOIN manifest ON manifest.id = reference.manifest_id
            WHERE reference.repository_id = ? AND reference.target = ? AND reference.kind = 2
            """,
            [repositoryID, digest.description]
        )
        .map { try $0.digest("digest") }
    }

    // MARK: Manifests

    func forEachManifest(of selection: ImageSelection, _ body: (SnapshotManifest) throws -> Void) throws {
        try forEachScope(of: selection) { scope in
            let (sql, arguments): (String, StatementArguments) =
                if let tag = scope.tag {
                    (Self.manifestsBelowTag, [scope.repositoryID, tag.rawValue])
                } else {
                    (Self.manifestsOfRepository, [scope.repositoryID])
                }
            try forEachRow(sql, arguments) { row in
                let blobs = try blobs(of: row["id"], repositoryID: scope.repositoryID)
                try body(
                    SnapshotManifest(
                        repository: scope.repository,
                        record: try row.manifestRecord(),
                        blobs: blobs.filter { !$0.isQuarantined }.map(\.record),
                        quarantined: blobs.filter(\.isQuarantined).map(\.record)
                    )
                )
            }
        }
    }

    private static let manifestsOfRepository = """
        SELECT manifest.id, manifest.digest, repository_manifest.media_type, manifest.bytes FROM repository_manifest
        JOIN manifest ON manifest.id = repository_manifest.manifest_id
        WHERE repository_manifest.repository_id = ? ORDER BY repository_manifest.manifest_id
        """

    /// What a tag leads to, and what is attached to any of that, as `below`.
    private static let belowTag = """
        WITH RECURSIVE below (id) AS (
            SELECT manifest_id FROM tag WHERE repository_id = ?1 AND name = ?2
            UNION
            SELECT child.id FROM below
            CROSS JOIN reference ON reference.manifest_id = below.id AND reference.repository_id = ?1
                AND reference.kind = 2
            CROSS JOIN manifest AS child ON child.digest = reference.target
            UNION
            SELECT referrer.manifest_id FROM below
            CROSS JOIN manifest AS subject ON subject.id = below.id
            CROSS JOIN referrer ON referrer.repository_id = ?1 AND referrer.subject = subject.digest
        )
        """

    private static let manifestsBelowTag = """
        \(belowTag)
        SELECT manifest.id, manifest.digest, repository_manifest.media_type, manifest.bytes FROM below
        CROSS JOIN manifest ON manifest.id = below.id
        CROSS JOIN repository_manifest ON repository_manifest.repository_id = ?1
            AND repository_manifest.manifest_id = manifest.id
        ORDER BY manifest.id
        """

    private func blobs(of manifestID: Int64, repositoryID: Int64) throws -> [StoredBlob] {
        // An index may also list blobs: what it lists is one unless it is a manifest.
        try database.rows(
            """
            SELECT blob.id, blob.digest, blob.size, blob.state FROM reference
            CROSS JOIN blob ON blob.digest = reference.target
            CROSS JOIN repository_blob ON repository_blob.repository_id = reference.repository_id
                AND repository_blob.blob_id = blob.id
            WHERE reference.manifest_id = ?1 AND reference.repository_id = ?2
                AND (reference.kind <> 2 OR NOT EXISTS (
                    SELECT 1 FROM manifest
                    JOIN repository_manifest ON repository_manifest.repository_id = ?2
                        AND repository_manifest.manifest_id = manifest.id
                    WHERE manifest.digest = reference.target
                ))
            """,
            [manifestID, repositoryID]
        )
        .map { StoredBlob(record: try $0.blobRecord(), isQuarantined: $0["state"] == 2) }
    }

    // MARK: Entries

    func forEachEntry(of selection: ImageSelection, _ body: (SnapshotEntry) throws -> Void) throws {
        let names = try SelectedNames(selection.parts?.compactMap(scope))
        // Several tags may have the same, and a repository may have what is attached to a tag in another.
        var attached: Set<Digest> = []
        try forEachScope(of: selection) { scope in
            try forEachRow(Self.tags, [scope.repositoryID, now, scope.tag?.rawValue]) { row in
                try body(try row.entry(in: scope.repository, tag: row.tag("name")))
            }
            guard let tag = scope.tag else { return }
            let arguments: StatementArguments = [
                scope.repositoryID, tag.rawValue, now, names.repositories, names.tags,
            ]
            try forEachRow(Self.attachedBelowTag, arguments) { row in
                let entry = try row.entry(in: scope.repository, tag: nil)
                if attached.insert(entry.manifest.digest).inserted { try body(entry) }
            }
        }
        try forEachScope(of: selection) { scope in
            guard scope.tag == nil else { return }
            try forEachRow(Self.unnamed, [scope.repositoryID, now, names.repositories, names.tags]) { row in
                let entry = try row.entry(in: scope.repository, tag: nil)
                if !attached.contains(entry.manifest.digest) { try body(entry) }
            }
        }
    }

    /// What a selection names, as JSON for SQLite.
    private struct SelectedNames {
        /// An array of repositories' IDs; nil for all.
        let repositories: String?
        /// An array of pairs of a repository's ID and a tag.
        let tags: String

        init(_ scopes: [Scope]?) {
            var (whole, tags): ([JSONValue], [JSONValue]) = ([], [])
            for scope in scopes ?? [] {
                if let tag = scope.tag {
                    tags.append(.array([.integer(scope.repositoryID), .string(tag.rawValue)]))
                } else {
                    whole.append(.integer(scope.repositoryID))
                }
            }
            repositories = scopes.map { _ in
                String(decoding: JSONValue.array(whole).canonicalBytes, as: UTF8.self)
            }
            self.tags = String(decoding: JSONValue.array(tags).canonicalBytes, as: UTF8.self)
        }
    }

    private static let tags = """
        SELECT tag.name, manifest.digest, manifest.size, repository_manifest.media_type FROM tag
        JOIN manifest ON manifest.id = tag.manifest_id
        JOIN repository_manifest ON repository_manifest.repository_id = tag.repository_id
            AND repository_manifest.manifest_id = tag.manifest_id
        WHERE tag.repository_id = ?1 AND (tag.expires_at IS NULL OR tag.expires_at > ?2)
            AND (?3 IS NULL OR tag.name = ?3)
        ORDER BY tag.name
        """

    /// Whether a selected tag has a name for the manifest.
    ///
    /// `now`, `repositories` and `tags`: the parameters that have these.
    private static func isNamed(_ now: String, _ repositories: String, _ tags: String) -> String {
        """
        EXISTS (
            SELECT 1 FROM tag WHERE tag.manifest_id = manifest.id
                AND (tag.expires_at IS NULL OR tag.expires_at > \(now)) AND (
                    \(repositories) IS NULL
                    OR tag.repository_id IN (SELECT value FROM json_each(\(repositories)))
                    OR (tag.repository_id, tag.name) IN (
                        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(\(tags))
                    )
                )
        )
        """
    }

    /// What is attached to what a tag leads to, and has neither a name nor a place in an index there.
    private static let attachedBelowTag = """
        \(belowTag)
        SELECT manifest.digest, manifest.size, repository_manifest.media_type FROM below
        CROSS JOIN referrer ON referrer.repository_id = ?1 AND referrer.manifest_id = below.id
        CROSS JOIN manifest ON manifest.id = below.id
        CROSS JOIN repository_manifest ON repository_manifest.repository_id = ?1
            AND repository_manifest.manifest_id = manifest.id
        WHERE NOT \(isNamed("?3", "?4", "?5")) AND NOT EXISTS (
            SELECT 1 FROM reference WHERE reference.repository_id = ?1 AND reference.target = manifest.digest
                AND reference.kind = 2 AND reference.manifest_id IN (SELECT id FROM below)
        )
        ORDER BY manifest.id
        """

    /// In the first of the selected repositories in which nothing names the manifest; and no tag in another does.
    private static let unnamed = """
        SELECT manifest.digest, manifest.size, own.media_type FROM repository_manifest AS own
        JOIN manifest ON manifest.id = own.manifest_id
        WHERE own.repository_id = ?1 AND \(isUnnamed(in: "own")) AND NOT \(isNamed("?2", "?3", "?4"))
        AND NOT EXISTS (
            SELECT 1 FROM repository_manifest AS other
            WHERE other.manifest_id = own.manifest_id AND other.repository_id < own.repository_id
                AND (?3 IS NULL OR other.repository_id IN (SELECT value FROM json_each(?3)))
                AND \(isUnnamed(in: "other"))
        )
        ORDER BY own.manifest_id
        """

    private static func isUnnamed(in table: String) -> String {
        """
        NOT EXISTS (
            SELECT 1 FROM tag WHERE tag.manifest_id = \(table).manifest_id
                AND tag.repository_id = \(table).repository_id AND (tag.expires_at IS NULL OR tag.expires_at > ?2)
        ) AND NOT EXISTS (
            SELECT 1 FROM reference WHERE reference.repository_id = \(table).repository_id
                AND reference.target = manifest.digest AND reference.kind = 2
        )
        """
    }
}

extension Row {
    fileprivate func entry(in repository: RepositoryName, tag: Tag?) throws -> SnapshotEntry {
        SnapshotEntry(
            repository: repository,
            tag: tag,
            manifest: Descriptor(
                mediaType: try mediaType("media_type"),
                digest: try digest("digest"),
                size: self["size"]
            )
        )
    }
}
