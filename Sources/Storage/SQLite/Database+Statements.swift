import GRDB
import OCI

extension Database {
    /// Runs a statement that returns nothing, and returns how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount
    }

    /// The first row, if there is one.
    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    /// All rows.
    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    /// The one column of all rows; of many rows that costs a fraction of what the rows themselves do.
    func texts(_ sql: String, _ arguments: StatementArguments = []) throws -> [String] {
        try String.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    /// Whether there is a row.
    func exists(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
        try row(sql, arguments) != nil
    }
}

extension Row {
    /// A digest out of a column.
    ///
    /// One that does not parse was not written by this program.
    func digest(_ column: String) throws -> Digest {
        let text: String = self[column]
        do { return try Digest(text) } catch {
            throw StorageError.database("'\(text.printable)' in column \(column) is no digest")
        }
    }

    /// A media type out of a column.
    func mediaType(_ column: String) throws -> MediaType { try parsed(column) { try MediaType($0) } }

    /// A tag out of a column.
    func tag(_ column: String) throws -> Tag { try parsed(column) { try Tag($0) } }

    /// The name of a repository out of a column.
    func repositoryName(_ column: String) throws -> RepositoryName {
        try parsed(column) { try RepositoryName($0) }
    }

    /// What was legal when it was stored: anything else was not written by this program.
    private func parsed<Value>(_ column: String, _ parse: (String) throws -> Value) throws -> Value {
        let text: String = self[column]
        do { return try parse(text) } catch {
            throw StorageError.database("'\(text.printable)' in column \(column): \(error)")
        }
    }

    /// A manifest out of the columns `digest`, `media_type` and `bytes`.
    func manifestRecord() throws -> ManifestRecord {
        ManifestRecord(
            digest: try digest("digest"),
            mediaType: try mediaType("media_type"),
            // SAFETY: the bytes are used within the closure alone.
            bytes: try withUnsafeData(named: "bytes") { $0.map(Array.init) ?? [] }
        )
    }

    /// A manifest that is removed, out of the columns `digest`, `size` and, for the repository, `name`.
    func removedManifest(untagged: Timestamp?) throws -> RemovedManifest {
        RemovedManifest(
            repository: try repositoryName("name"),
            digest: try digest("digest"),
            size: self["size"],
            untagged: untagged
        )
    }

    /// A blob out of the columns `id`, `digest` and `size`.
    func blobRecord() throws -> BlobRecord {
        BlobRecord(id: BlobRecord.ID(rowID: self["id"]), digest: try digest("digest"), size: self["size"])
    }
}

extension Timestamp: DatabaseValueConvertible {
    var databaseValue: DatabaseValue { milliseconds.databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Timestamp? {
        Int64.fromDatabaseValue(value).map(Timestamp.init(milliseconds:))
    }
}
