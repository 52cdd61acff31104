//! What an Ingress's policies need of other objects: there, or the routes are closed.

use std::sync::Arc;

use bulkhead_model::authentication::{Basic, Users};
use bulkhead_model::response_fields::ResponseFields;

use crate::annotation::{BasicWish, field_of_auth_fields, field_of_response_fields, field_of_users};
use crate::auth_fields::AuthFields;
use crate::code::FindingCode;
use crate::config_maps::ConfigMaps;
use crate::findings::{Notes, quote};
use crate::ingress::Declared;
use crate::name::Name;
use crate::secrets::Secrets;
use crate::{auth_fields, response_fields};

/// What the policies of one Ingress were found to need.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// What an authentication service is told besides.
    pub(crate) auth_fields: AuthFields,
    pub(crate) basic: Option<Basic>,
    pub(crate) response_fields: Option<ResponseFields>,
}

/// Something is not there, or is broken. Why has been noted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing;

impl Fetched {
    /// Fetches everything, so that all that is missing is noted at once.
    pub(crate) fn of(
        declared: &Declared,
        secrets: &mut Secrets,
        config_maps: &ConfigMaps,
        notes: &mut Notes<'_>,
    ) -> Result<Self, Missing> {
        let policies = &declared.policies;
        let name = &declared.age.name;
        let basic = policies.basic.as_ref().map(|wish| basic(wish, name, secrets, notes)).transpose();
        let fields = policies.response_fields.as_ref();
        let fields = fields.map(|wish| fields_of(&name.beside(wish), config_maps, notes)).transpose();
        // Where nobody is asked, nobody is told.
        let says = policies.auth_fields.as_ref().filter(|_| policies.external.is_some());
        let says = says.map(|wish| says_of(&name.beside(wish), config_maps, notes)).transpose();
        Ok(Self { auth_fields: says?.unwrap_or_default(), basic: basic?, response_fields: fields? })
    }
}

fn basic(wish: &BasicWish, ingress: &Name, secrets: &mut Secrets, notes: &mut Notes<'_>) -> Result<Basic, Missing> {
    let secret = ingress.beside(&wish.secret);
    let users = users(wish, &secret, secrets, notes).map_err(|why| {
        notes.add(FindingCode::UsersBroken, &field_of_users(), || {
            let secret = quote(&secret.to_string());
            format!("Secret {secret} {why}, so the routes of this Ingress answer 503.")
        });
        Missing
    })?;
    Ok(Basic { users, realm: wish.realm.clone() })
}

fn users(wish: &BasicWish, secret: &Name, secrets: &mut Secrets, notes: &mut Notes<'_>) -> Result<Arc<Users>, String> {
    let list = secrets.users(secret, wish.form).ok_or_else(|| "does not exist".to_owned())?;
    let (users, left_out) = list.map_err(|bad| bad.to_string())?;
    if let Some((count, why)) = left_out {
        notes.add(FindingCode::UsersLeftOut, &field_of_users(), || {
            let secret = quote(&secret.to_string());
            format!("Secret {secret} has {count} entries that let nobody in: the first one {why}.")
        });
    }
    Ok(users)
}

/// What an authentication service is told: it may decide by that, so all of it must be there.
fn says_of(name: &Name, config_maps: &ConfigMaps, notes: &mut Notes<'_>) -> Result<AuthFields, Missing> {
    let read = match config_maps.get(name).filter(|data| !data.is_empty()) {
        None => Err("does not exist, or is empty".to_owned()),
        Some(data) => auth_fields::parse(data).map_err(|bad| bad.to_string()),
    };
    let (fields, own) = read.map_err(|why| {
        notes.add(FindingCode::AuthFieldsBroken, &field_of_auth_fields(), || {
            format!("ConfigMap {} {why}, so the routes of this Ingress answer 503.", quote(&name.to_string()))
        });
        Missing
    })?;
    if !own.is_empty() {
        notes.add(FindingCode::AuthFieldsLeftOut, &field_of_auth_fields(), || {
            format!(
                "ConfigMap {} has {}, which only the gateway itself says, and so they are left out.",
                quote(&name.to_string()),
                own.join(", ")
            )
        });
    }
    Ok(fields)
}

fn fields_of(name: &Name, config_maps: &ConfigMaps, notes: &mut Notes<'_>) -> Result<ResponseFields, Missing> {
    // What is copied into a keyring has entries, or is not there.
    let read = match config_maps.get(name).filter(|data| !data.is_empty()) {
        None => Err("does not exist, or is empty".to_owned()),
        Some(data) => response_fields::parse(data).map_err(|bad| bad.to_string()),
    };
    match read {
        Ok((fields, never)) => {
            if !never.is_empty() {
                notes.add(FindingCode::ResponseFieldsLeftOut, &field_of_response_fields(), || {
                    format!(
                        "ConfigMap {} has {}, which are never set and so left out.",
                        quote(&name.to_string()),
                        never.join(", ")
                    )
                });
            }
            Ok(fields)
        }
        Err(why) => {
            notes.add(FindingCode::ResponseFieldsBroken, &field_of_response_fields(), || {
                format!("ConfigMap {} {why}, so the routes of this Ingress answer 503.", quote(&name.to_string()))
            });
            Err(Missing)
        }
    }
}
