# Log many time entries through Redmine's own model, each with its validations and callbacks, in one transaction.
# Run by `rails runner`: reads ORDER (JSON list), writes ANSWER (JSON list of ids in the same order).
require "json"

users = Hash.new { |known, id| known[id] = User.find(id) }
projects = Hash.new { |known, id| known[id] = Project.find(id) }

ids = TimeEntry.transaction do
  JSON.parse(File.read(ENV.fetch("ORDER"))).map do |row|
    user = users[row["user_id"]]
    entry = TimeEntry.new(project: projects[row["project_id"]], author: user, user: user, spent_on: row["spent_on"])
    # The model leaves this question to the controller, which a script does not pass through.
    raise "#{user.name} may not log time on #{row["project_id"]}" unless user.allowed_to?(:log_time, projects[row["project_id"]])
    User.current = user # whose rights decide which attributes are taken
    entry.safe_attributes = row.slice("hours", "activity_id", "comments", "issue_id", "custom_fields")
    entry.save!
    entry.id
  end
end

File.write(ENV.fetch("ANSWER"), JSON.generate(ids))
