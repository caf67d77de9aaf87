import Foundation
import Testing

@Suite("A folder that a newer program has written")
struct NewerDatabaseTests {
    @Test(
        "is refused by every command, which says so and changes nothing",
        arguments: ["serve", "list", "uploads"]
    )
    func refused(_ command: String) async throws {
        try await Program.with { program in
            let pusher = BlobPusher(program)
            try await program.withServer { _ = try await pusher.push(1000, to: $0) }
            let database = program.storage.appending(path: "berth.db").path
            let step = try await program.tool(
                "sqlite3",
                database,
                "INSERT INTO grdb_migrations VALUES ('9999 something to come'); CREATE TABLE news (id INTEGER)"
            )
            try #require(step.status == 0, "\(step.errors)")
            // Whatever it may mean to the other program.
            let upload = program.storage.appending(path: "uploads/0001.news")
            try Data("news".utf8).write(to: upload)
            let before = try await content(of: program)
            #expect(before.contains("0001.news"))
            let outcome = try await program.run(command, "--storage", program.storage.path)
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.hasSuffix("was written by a newer version of this program; use that one\n"),
                "\(outcome.errors)"
            )
            #expect(outcome.output == "")
            #expect(try await content(of: program) == before)
        }
    }

    /// The digest of each file, but of the one that says who has the folder.
    private func content(of program: Program) async throws -> String {
        let outcome = try await program.tool(
            "sh",
            "-c",
            "cd \(program.storage.path) && find . -type f ! -name berth.lock -exec sha256sum {} + | sort -k 2"
        )
        try #require(outcome.status == 0)
        return outcome.output
    }
}
