import Glibc
import Logging
import OCI
package import Storage

extension Registry {
    /// Opens the data folder of a distribution registry.
    ///
    /// `path`: absolute; the folder that its configuration calls `rootdirectory`.
    ///
    /// - Throws: `ImportError`.
    package func distributionFolder(at path: String) async throws -> DistributionFolder {
        guard path.hasPrefix("/") else { throw ImportError.malformedPath(path) }
        do {
            return try await DistributionFolder(path)
        } catch is FileError {
            throw ImportError.notDistribution(path)
        }
    }

    /// Brings everything that a distribution registry's folder holds into this one, with a further name for each file
    /// where that can be.
    ///
    /// Each blob is hashed. What is here already stays as it is, and costs no hashing, so that an import that was broken
    /// off goes on where it was when it is begun again. Each manifest survives a loss of power from when its tags show
    /// it; all that the report counts does when this returns. What the folder lacks is left out, and told with its reason.
    ///
    /// `onEvent` may be called by several tasks at once.
    ///
    /// - Throws: `ImportError`, or `StorageError` for what this registry cannot keep.
    package func importAll(
        of folder: DistributionFolder,
        onEvent: @escaping @Sendable (ImportEvent) -> Void
    ) async throws -> ImportReport {
        let repositories: [String]
        let total: Int64
        do {
            repositories = try await folder.repositories()
            total = try await folder.totalSize()
        } catch let error as FileError {
            throw ImportError.unreadable(path: error.path, code: error.code)
        }
        let tally = ImportTally(total: total, onEvent: onEvent)
        let turns = DigestTurns()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, path) in repositories.enumerated() {
                if index >= Self.repositoriesAtOnce { try await group.next() }
                group.addTask { try await importRepository(path, of: folder, turns, tally) }
            }
            try await group.waitForAll()
        }
        return tally.report
    }

    /// Enough that commits and flushes are shared, and that a large blob does not hold up the rest.
    private static var repositoriesAtOnce: Int { 16 }

    private func importRepository(
        _ path: String,
        of folder: DistributionFolder,
        _ turns: DigestTurns,
        _ tally: ImportTally
    ) async throws {
        let name: RepositoryName
        do { name = try RepositoryName(path) } catch { return tally.leaveOut(path, "\(error)") }
        let content: DistributionFolder.Repository
        do { content = try await folder.repository(path) } catch let error as FileError {
            return tally.leaveOut(path, "\(error.operation): \(String(cString: strerror(error.code)))")
        }
        for problem in content.problems { tally.leaveOut(problem.path, problem.reason) }
        var repository = DistributionImport(
            name,
            content,
            of: folder,
            into: self,
            turns: turns,
            tally: tally
        )
        try await repository.run()
        tally.count { $0.repositories += 1 }
    }
}
