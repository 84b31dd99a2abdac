# Settings and people the tests work with. Run by `rails runner`: reads ORDER (JSON), writes ANSWER (JSON).
require "json"

order = JSON.parse(File.read(ENV.fetch("ORDER")))

Redmine::DefaultData::Loader.load("en")

Setting.rest_api_enabled = "1"
Setting.login_required = "1"
Setting.notified_events = [] # nobody reads mail here, and there is no mail server

admin = User.find_by_login("admin")
admin.password = admin.password_confirmation = order["admin_password"]
admin.must_change_passwd = false
admin.save!(validate: false)

fields = {
  "issue" => IssueCustomField, "project" => ProjectCustomField,
  "time_entry" => TimeEntryCustomField, "user" => UserCustomField
}.map do |name, kind|
  field = kind.new(name: "External ID", field_format: "string", is_filter: true, searchable: true, visible: true)
  if kind == IssueCustomField
    field.is_for_all = true
    field.tracker_ids = Tracker.pluck(:id)
  end
  field.save!
  [name, field.id]
end.to_h

role = Role.find_by_name("Developer")
role.add_permission!(:log_time, :view_time_entries, :edit_own_time_entries)

people = order["people"].map do |login, person|
  user = User.new(firstname: person["first"], lastname: person["last"], mail: person["mail"], language: "en")
  user.login = login
  user.password = user.password_confirmation = person["password"]
  user.save!
  [login, { id: user.id, api_key: user.api_key, name: user.name, mail: user.mail, password: person["password"] }]
end.to_h

File.write(ENV.fetch("ANSWER"), JSON.generate(
  admin_id: admin.id, api_key: admin.api_key, custom_fields: fields, people: people, role: role.id,
  activities: TimeEntryActivity.shared.active.pluck(:name, :id).to_h,
  trackers: Tracker.pluck(:name, :id).to_h, statuses: IssueStatus.pluck(:name, :id).to_h,
  priorities: IssuePriority.active.pluck(:name, :id).to_h
))
