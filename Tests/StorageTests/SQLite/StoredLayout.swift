import Foundation
import GRDB
import OCI
import TestSupport
import Testing

@testable import Storage

/// A small store as a released layout had it: its database, and the content that is the same in all of them.
///
/// `Tests/Layouts` has a dump of the database for each layout, `NNN.sql`, after its last step, and the blobs in
/// `blobs.txt`: a line for each, with its digest and its bytes in base 64.
struct StoredLayout: Sendable, CustomTestStringConvertible {
    /// How many steps it has taken.
    let number: Int

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Layouts")
        .standardizedFileURL.path

    /// All that there are, in order.
    static let all: [StoredLayout] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".sql") }.compactMap { Int($0.dropLast(4)) }.sorted().map(
            StoredLayout.init
        )
    }()

    static func path(_ number: Int) -> String { "\(folder)/\(String(format: "%03d", number)).sql" }

    var testDescription: String { "layout \(number)" }

    /// Makes the store in an empty folder.
    func restore(to path: String) throws {
        try restoreDatabase(to: path + "/berth.db")
        for line in try String(contentsOfFile: Self.folder + "/blobs.txt", encoding: .utf8).split(
            separator: "\n"
        ) {
            let parts = line.split(separator: " ").map(String.init)
            let digest = try OCI.Digest(parts[0])
            let folder = "\(path)/blobs/\(digest.algorithm)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try #require(Data(base64Encoded: parts[1])).write(
                to: URL(filePath: "\(folder)/\(digest.encoded)")
            )
        }
    }

    /// Makes the database alone.
    func restoreDatabase(to path: String) throws {
        let database = try DatabaseQueue(path: path)
        let dump = try String(contentsOfFile: Self.path(number), encoding: .utf8)
        try database.writeWithoutTransaction { try $0.execute(sql: dump) }
        try database.close()
    }

    /// What a store's database says of itself: each table, index and step.
    static func schema(_ database: Database) throws -> [String] {
        try Row.fetchAll(
            database,
            sql:
                "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
        )
        .map { row in "\(row["type"] as String) \(row["name"] as String): \(row["sql"] as String? ?? "")" }
            + String.fetchAll(database, sql: "SELECT identifier FROM grdb_migrations ORDER BY identifier")
    }

    /// Everything in a database that is closed.
    static func dump(_ path: String) throws -> String {
        let command = try #require(SQLiteCommand.path, "sqlite3 is not installed")
        return try SQLiteCommand.run(command, path, ".dump")
    }
}
