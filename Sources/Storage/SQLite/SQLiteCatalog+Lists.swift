import GRDB
package import OCI

extension SQLiteCatalog {
    package func tagPage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<TagRecord>? {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return nil }
            let rows = try database.rows(
                """
                SELECT tag.name, tag.updated_at, tag.expires_at, manifest.digest FROM tag
                JOIN manifest ON manifest.id = tag.manifest_id
                WHERE tag.repository_id = ? AND tag.name > ? AND (tag.expires_at IS NULL OR tag.expires_at > ?)
                ORDER BY tag.name LIMIT ?
                """,
                [repositoryID, last ?? "", now, limit + 1]
            )
            return try Page(rows, limit: limit) { row in
                TagRecord(
                    tag: try row.tag("name"),
                    digest: try row.digest("digest"),
                    updated: row["updated_at"],
                    expires: row["expires_at"]
                )
            }
        }
    }

    package func tagNamePage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<Tag>? {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return nil }
            let names = try database.texts(
                """
                SELECT name FROM tag
                WHERE repository_id = ? AND name > ? AND (expires_at IS NULL OR expires_at > ?)
                ORDER BY name LIMIT ?
                """,
                [repositoryID, last ?? "", now, limit + 1]
            )
            return try Page(names, limit: limit) { name in try Self.parsed(name) { try Tag($0) } }
        }
    }

    package func repositoryPage(after last: String?, limit: Int) async throws -> Page<RepositoryName> {
        try await read { database in
            let names = try database.texts(
                "SELECT name FROM repository WHERE manifest_count > 0 AND name > ? ORDER BY name LIMIT ?",
                [last ?? "", limit + 1]
            )
            return try Page(names, limit: limit) { name in try Self.parsed(name) { try RepositoryName($0) } }
        }
    }

    /// A name that was legal when it was stored.
    ///
    /// Another was not written by this program.
    private static func parsed<Name>(_ text: String, _ parse: (String) throws -> Name) throws -> Name {
        do { return try parse(text) } catch {
            throw StorageError.database("'\(text.printable)' in a column name: \(error)")
        }
    }
}

extension Page {
    /// A page of at most `limit` rows out of a query that asked for one more.
    fileprivate init<Source>(_ rows: [Source], limit: Int, _ element: (Source) throws -> Element) rethrows {
        self.init(elements: try rows.prefix(limit).map(element), hasMore: rows.count > limit)
    }
}
