import FoundationEssentials
import Glibc
import NIOPosix
import OCI

/// A program of docker's that keeps credentials: `docker-credential-NAME`.
struct CredentialHelper: Sendable {
    let program: String
    let timeLimit: Duration

    /// Some ask a person first, through a window.
    static let defaultTimeLimit = Duration.seconds(60)
    /// What one prints is a few hundred bytes.
    private static let maximumOutput = 64 * 1024

    private struct Answer: Decodable {
        let user: String
        let secret: String

        private enum CodingKeys: String, CodingKey {
            case user = "Username"
            case secret = "Secret"
        }
    }

    /// Asks for a registry's credentials; nil where the helper has none.
    func credential(for server: String) async throws -> RegistryCredential? {
        let outcome = try await NIOThreadPool.singleton.runIfActive { [self] in
            try Subprocess.run(
                program,
                ["get"],
                input: Array(server.utf8),
                timeLimit: timeLimit,
                maximumOutput: Self.maximumOutput
            )
        }
        let text = String(decoding: outcome.output, as: UTF8.self)
        guard outcome.status == 0 else {
            // The words that docker's own helpers have for it.
            if text.contains("credentials not found") { return nil }
            throw CredentialHelperError.failed(program, text)
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(outcome.output)) else {
            throw CredentialHelperError.malformed(program)
        }
        if answer.user.isEmpty, answer.secret.isEmpty { return nil }
        return answer.user == "<token>"
            ? .identityToken(answer.secret) : .password(user: answer.user, password: answer.secret)
    }
}

extension CredentialHelper {
    /// `name` is the text behind `docker-credential-`: no path, since any program could be meant by one.
    init(_ name: String, timeLimit: Duration = defaultTimeLimit) throws(CredentialHelperError) {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_.".utf8.contains(byte)
            }
        }
        guard isName, !name.isEmpty else { throw .name(name) }
        program = "docker-credential-" + name
        self.timeLimit = timeLimit
    }
}

/// Why a helper gave no answer.
enum CredentialHelperError: Error, Hashable {
    case name(String)
    case missing(String)
    case failed(String, String)
    case malformed(String)
    case tooSlow(String, Duration)
}

extension CredentialHelperError: CustomStringConvertible {
    var description: String {
        switch self {
        case .name(let name): "'\(name.printable)' is no name for a credential helper"
        case .missing(let program): "the credential helper \(program) is not on PATH"
        case .failed(let program, let text):
            "the credential helper \(program) failed" + (text.isEmpty ? "" : ": \(text.firstLine.printable)")
        case .malformed(let program): "the credential helper \(program) answers something unexpected"
        case .tooSlow(let program, let limit):
            "the credential helper \(program) did not answer within \(limit.text)"
        }
    }
}

extension String {
    /// What stands before the first line break.
    var firstLine: Substring { prefix { !$0.isNewline } }
}
