import ArgumentParser
import Glibc
import OCI

/// Why a command could not do its work, in words for whoever gave it.
struct CommandError: Error, CustomStringConvertible {
    let description: String
    /// What is not where it should be, where that is why.
    let missing: Digest?

    init(_ description: String, missing: Digest? = nil) {
        (self.description, self.missing) = (description, missing)
    }
}

extension ParsableCommand {
    /// Runs a body, and ends the process with one line on standard error where it fails.
    func reportingErrors<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as ExitCode {
            throw error
        } catch let error as ConfigurationError {
            Terminal.write(error.description + "\n", to: STDERR_FILENO)
            throw ExitCode(78)  // EX_CONFIG, sysexits.h
        } catch {
            Terminal.warn("\(error)")
            throw ExitCode.failure
        }
    }
}
