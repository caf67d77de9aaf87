import Foundation
import TestSupport

/// What a reply has to be.
struct Expectation: Sendable {
    enum Content: Sendable, Equatable {
        case none
        case bytes([UInt8])
        /// The specification's error document with this code.
        case error(String)
        /// A list of names under this key, and the repository's name where the list has one.
        case names([String], key: String, repository: String?)
        /// So many descriptors: those that name the subject in any order, and then those listed under its tag.
        case referrers(named: [Referrer], tagged: [Referrer], count: Int)
        /// Whatever it is.
        case any
    }

    /// An entry of a list of referrers.
    struct Referrer: Hashable, Sendable, Decodable {
        let mediaType: String
        let digest: String
        let size: Int
        var artifactType: String?
        var annotations: [String: String]?
    }

    var status: Int
    /// Nil for one that must not be there; `<session>` in a value stands for a session's name.
    var fields: [String: String?] = [:]
    var content = Content.none
    /// What the reply's new session is called from now on.
    var opensSession: Int?
    /// Whether a list goes on; nil where nobody asks, or where `fields` say how.
    var goesOn: Bool?

    static func error(_ status: Int, _ code: String, _ fields: [String: String?] = [:]) -> Expectation {
        Expectation(status: status, fields: fields, content: .error(code))
    }

    /// The same without content.
    ///
    /// HEAD has everything of GET but that.
    var ofHead: Expectation {
        var expectation = self
        if case .bytes(let bytes) = content { expectation.fields["Content-Length"] = "\(bytes.count)" }
        expectation.content = .none
        return expectation
    }
}

extension Expectation: CustomStringConvertible {
    var description: String {
        var text = "\(status)"
        switch content {
        case .none: text += " without content"
        case .any: break
        case .bytes(let bytes): text += " " + String(decoding: bytes, as: UTF8.self).debugDescription
        case .error(let code): text += " \(code)"
        case .names(let names, _, _): text += " \(names)"
        case .referrers(let named, let tagged, let count):
            text += " \(count) of \(named.map(\.digest)) and \(tagged.map(\.digest))"
        }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            text += ", \(name): \(value ?? "none")"
        }
        return text
    }
}

// MARK: Holding a reply against it

extension Expectation {
    /// Whether a reply is as it has to be; `session` is the name of the session that the call was about.
    func matches(_ reply: TestReply, session: String) -> Bool {
        guard reply.status == status, reply["Docker-Distribution-Api-Version"] == "registry/2.0" else {
            return false
        }
        for (name, value) in fields {
            guard reply.fields[name] == value?.replacing("<session>", with: session) else { return false }
        }
        if let goesOn, goesOn != (reply["Link"] != nil) { return false }
        return isContent(reply)
    }

    private func isContent(_ reply: TestReply) -> Bool {
        let data = Data(reply.content)
        switch content {
        case .none: return reply.content.isEmpty
        case .any: return true
        case .bytes(let bytes): return reply.content == bytes
        case .error(let code): return reply.errorCode == code
        case .names(let names, let key, let repository):
            guard reply["Content-Type"] == "application/json",
                let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
            else { return false }
            return object[key] as? [String] == names && object["name"] as? String == repository
        case .referrers(let named, let tagged, let count):
            guard let index = try? JSONDecoder().decode(ReferrerIndex.self, from: data),
                index.mediaType == Document.index, index.schemaVersion == 2, index.manifests.count == count
            else { return false }
            let isDistinct = Set(index.manifests.map(\.digest)).count == count
            return isDistinct && Set(index.manifests.prefix(named.count)).isSubset(of: named)
                && Array(index.manifests.dropFirst(named.count))
                    == Array(tagged.prefix(max(0, count - named.count)))
        }
    }

    private struct ReferrerIndex: Decodable {
        let schemaVersion: Int
        let mediaType: String
        let manifests: [Referrer]
    }
}
