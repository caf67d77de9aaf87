import GRDB

/// Takes the steps that a database lacks, in order and in one transaction.
///
/// GRDB's own migrator commits each step: where a later one fails, the database would be left between two layouts,
/// which the program that wrote it refuses and the new one cannot open. Here a database has all steps or those that
/// it had. The steps are written down where GRDB does it, in `grdb_migrations`.
struct SchemaMigrator: Sendable {
    private struct Step: Sendable {
        let name: String
        let take: @Sendable (Database) throws -> Void
    }

    private var steps: [Step] = []

    /// The names of all steps, in their order.
    var migrations: [String] { steps.map(\.name) }

    /// Adds a step behind those that are there.
    mutating func registerMigration(
        _ name: String,
        migrate take: @escaping @Sendable (Database) throws -> Void
    ) {
        precondition(!migrations.contains(name), "a step's name tells whether it was taken")
        steps.append(Step(name: name, take: take))
    }

    /// Whether a database has taken any step: it is a catalog, and not just an empty file.
    func hasBegun(_ database: Database) throws -> Bool { try !Self.taken(database).isEmpty }

    /// Whether a database has taken a step that is not known here.
    func hasBeenSuperseded(_ database: Database) throws -> Bool {
        try !Self.taken(database).isSubset(of: migrations)
    }

    /// Brings a database up to date, or up to the step of a name; where that fails it is as it was.
    func migrate(_ writer: some DatabaseWriter, upTo last: String? = nil) throws {
        try writer.writeWithoutTransaction { database in
            let taken = try Self.taken(database)
            let end = last.flatMap(migrations.firstIndex).map { $0 + 1 } ?? steps.count
            let missing = steps[..<end].filter { !taken.contains($0.name) }
            guard !missing.isEmpty else { return }
            // A table that is made anew would otherwise take with it what refers to it; no transaction can change this.
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            defer { try? database.execute(sql: "PRAGMA foreign_keys = ON") }
            try database.inTransaction(.immediate) {
                try database.execute(sql: Self.table)
                for step in missing {
                    try step.take(database)
                    try database.execute(
                        sql: "INSERT INTO grdb_migrations (identifier) VALUES (?)",
                        arguments: [step.name]
                    )
                }
                try database.checkForeignKeys()
                return .commit
            }
        }
    }

    private static let table =
        "CREATE TABLE IF NOT EXISTS grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)"

    private static func taken(_ database: Database) throws -> Set<String> {
        guard try database.tableExists("grdb_migrations") else { return [] }
        return try String.fetchSet(database, sql: "SELECT identifier FROM grdb_migrations")
    }
}
